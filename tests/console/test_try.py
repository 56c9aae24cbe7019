from tests.console.conftest import *
def test_pages(browser):
    p=browser.get("/"); print(p.status,p.title,p.plain[:600])
    p=browser.post("/access/new",{"name":"shop"}); print(p.status,p.plain[:900])
    key=re.search(r"/console/access/(\w{10,})",p.text)[1]
    p=browser.post("/channels/new",{"platform":"jsms","name":"SMS","code":"sms1","credentials.app_key":"k","credentials.master_secret":"s"}); print(p.status,p.title,p.plain[-600:])
    p=browser.post("/channels/new",{"platform":"jpush","name":"Push","code":"app1","credentials.app_key":"k","credentials.master_secret":"s"}); print(p.status,p.title)
    for c in("sms1","app1"):
        p=browser.post(f"/access/{key}/channels",{"code":c,"do":"on"}); print(p.status,p.title)
    b=f"/c/{key}"
    p=browser.post(b+"/users/new",{"userid":"u1","contact.sms.all":"13800000000","contact.app.app1":"r1","tags":"a,b"}); print(p.status,p.title,p.plain[-400:])
    p=browser.post(b+"/templates/new",{"do":"save","name":"t","types":["sms","app"],"c.sms.temp_id":"1","c.sms.temp_para":"name = {{name}}","c.app.alert":"hi {{name}}"}); print(p.status,p.title,p.plain[-400:])
    p=browser.post(b+"/strategies/new",{"do":"save","name":"s","count":"2","s0.channels":"app","s1.channels":"sms","s1.terms":"app","s1.app.number":"5","s1.app.unit":"min","s1.app.missing":"delivered"}); print(p.status,p.title,p.plain[-300:])
    p=browser.post(b+"/send",{"do":"send","once":"x","kind":"template","template":"1","rule_id":"1","audience":"users","userids":"u1,u2","v.name":"Li","priority":"2"}); print(p.status,p.title,p.plain[-1800:])
    msgid=p.path.split("/")[-1].split("?")[0]
    for path in ["/", b, b+"/messages", b+"/messages/lookup", b+f"/messages/{msgid}/people/u1",b+f"/messages/{msgid}/people/u2", b+"/templates", b+"/templates/new", b+"/templates/1", b+"/templates/1/versions", b+"/strategies", b+"/strategies/new", b+"/strategies/1", b+"/users", b+"/users/new", b+"/users/u1?show=1", b+"/users/u1/edit", b+"/segments", b+"/tags", b+"/lists/black", b+"/lists/white", b+"/imports", b+"/imports/new", b+"/send", b+"/send?kind=ordinary", "/channels","/channels/new","/channels/new?platform=cmpp","/channels/sms1","/settings","/access/new",f"/access/{key}","/members","/members/new","/audit","/developer","/account","/account/second-factor", "/nothing", b+"/messages/xx"]:
        p=browser.get(path); print(path,p.status,len(p.text),p.title)
        assert p.status in (200,404), p.text[:500]
    p=browser.post("/search",{"q":"13800000000","channel":key}); print(p.plain)
    p=browser.get(b+"/messages",hx_request="true"); print(p.status,p.plain[:300])

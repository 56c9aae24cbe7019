"""User agents as they were seen: browsers and web views of people, and programs."""

from __future__ import annotations

_IOS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_6 like Mac OS X) AppleWebKit/605.1.15"
    " (KHTML, like Gecko)"
)
_ANDROID = (
    "Mozilla/5.0 (Linux; Android 12; ANA-AN00 Build/HUAWEIANA-AN00; wv) AppleWebKit/537.36"
    " (KHTML, like Gecko) Version/4.0 Chrome/111.0.5563.116"
)
_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko)"

PEOPLE = (
    # browsers
    f"{_IOS} Version/16.6 Mobile/15E148 Safari/604.1",
    f"{_IOS} CriOS/120.0.6099.119 Mobile/15E148 Safari/604.1",
    f"{_WINDOWS} Chrome/120.0.0.0 Safari/537.36",
    f"{_WINDOWS} Chrome/120.0.0.0 Safari/537.36 Edg/120.0.2210.91",
    f"{_WINDOWS} Chrome/86.0.4240.198 Safari/537.36 QIHU 360SE",
    f"{_MAC} Chrome/119.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Android 13; Mobile; rv:109.0) Gecko/118.0 Firefox/118.0",
    "Mozilla/5.0 (Windows NT 10.0; WOW64; Trident/7.0; rv:11.0) like Gecko",
    "Mozilla/5.0 (compatible; MSIE 9.0; Windows NT 6.1; Trident/5.0)",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1; .NET CLR 2.0.50727)",
    "Opera/9.80 (Windows NT 6.1; U; zh-cn) Presto/2.9.168 Version/11.50",
    "Opera/9.80 (Android; Opera Mini/36.2.2254/119.132; U; id) Presto/2.12.423 Version/12.16",
    "Mozilla/5.0 (Phone; OpenHarmony 5.0) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/114.0.0.0 Safari/537.36 ArkWeb/4.1.6.1 Mobile HuaweiBrowser/5.0.4.300",
    "Mozilla/5.0 (Linux; Android 10; HarmonyOS; NOH-AN00; HMSCore 6.9.0.302) AppleWebKit/537.36"
    " (KHTML, like Gecko) Chrome/99.0.4844.88 HuaweiBrowser/12.1.5.301 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 11; zh-cn; M2012K11AC Build/RKQ1.200826.002)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/89.0.4389.116 Mobile"
    " Safari/537.36 XiaoMi/MiuiBrowser/15.7.10",
    "Mozilla/5.0 (Linux; U; Android 9; zh-CN; vivo Y93s Build/PPR1.180610.011)"
    " AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/78.0.3904.108"
    " UCBrowser/13.1.8.1098 Mobile Safari/537.36",
    "Mozilla/5.0 (Linux; U; Android 10; zh-cn; PCAM00 Build/QKQ1.190918.001) AppleWebKit/537.36"
    " (KHTML, like Gecko) Version/4.0 Chrome/66.0.3359.126 MQQBrowser/10.8 Mobile Safari/537.36",
    "MQQBrowser/26 Mozilla/5.0 (Linux; U; Android 2.3.7; zh-cn; MB200 Build/GRJ22)"
    " AppleWebKit/533.1 (KHTML, like Gecko) Version/4.0 Mobile Safari/533.1",
    "Mozilla/5.0 (Linux; Android 13; SM-S9080) AppleWebKit/537.36 (KHTML, like Gecko)"
    " SamsungBrowser/22.0 Chrome/111.0.5563.116 Mobile Safari/537.36",
    # web views of apps
    f"{_IOS} Mobile/15E148 MicroMessenger/8.0.44(0x18002c2d) NetType/WIFI Language/zh_CN",
    f"{_ANDROID} Mobile Safari/537.36 XWEB/1110017 MMWEBSDK/20231105 MMWEBID/4"
    " MicroMessenger/8.0.44.2502(0x28002C37) WeChat/arm64 Weixin NetType/4G Language/zh_CN",
    f"{_WINDOWS} Chrome/107.0.0.0 Safari/537.36 MicroMessenger/7.0.20.1781(0x6700143B)"
    " NetType/WIFI MiniProgramEnv/Windows WindowsWechat/WMPF WindowsWechat(0x63090819)",
    f"{_IOS} Mobile/15E148 wxwork/4.1.15 MicroMessenger/7.0.1 Language/zh ColorScheme/Light",
    f"{_ANDROID} Mobile Safari/537.36 wxwork/4.1.15 MicroMessenger/7.0.1 NetType/WIFI Language/zh",
    f"{_MAC} Chrome/87.0.4280.88 Safari/537.36 wxwork/4.1.10 MicroMessenger/7.0.1",
    f"{_IOS} Mobile/15E148 AliApp(DingTalk/7.5.0) com.laiwang.DingTalk/32653137"
    " Channel/201200 language/zh-Hans-CN UT4Aplus/0.0.6 WK",
    f"{_ANDROID} Mobile Safari/537.36 AliApp(DingTalk/7.1.10) com.alibaba.android.rimet/30482"
    " Channel/227200 language/zh-CN abi/64 UT4Aplus/0.2.25 colorScheme/light",
    f"{_MAC} DingTalk(6.5.50-macOS-macOS-MAS-26750712) nw Chrome/69.0.3497.100 Safari/537.36",
    f"{_IOS} Mobile/15E148 NebulaSDK/1.8.100112 Nebula PSDType(1) AlipayDefined(nt:WIFI,ws:390)"
    " AliApp(AP/10.5.36.6000) AlipayClient/10.5.36.6000 Language/zh-Hans",
    f"{_ANDROID} Mobile Safari/537.36 NebulaSDK/1.8.100112 Nebula AlipayDefined(nt:4G)"
    " AliApp(AP/10.5.30.8000) AlipayClient/10.5.30.8000 Language/zh-Hans useStatusBar/true",
    f"{_ANDROID} Mobile Safari/537.36 V1_AND_SQ_8.9.80_4430_YYB_D QQ/8.9.80.12440 NetType/WIFI",
    f"{_IOS} Mobile/15E148 QQ/8.9.80.611 V1_IPH_SQ_8.9.80_1_APP_A Pixel/1170 Core/WKWebView",
    f"{_IOS} Mobile/15E148 Weibo (iPhone14,2__weibo__13.11.0__iphone__os16.6)",
    f"{_ANDROID} Mobile Safari/537.36 aweme_270900 JsSdk/1.0 NetType/WIFI Channel/xiaomi",
    f"{_IOS} Mobile/15E148 [FBAN/FBIOS;FBAV/440.0.0.32.108;FBDV/iPhone14,2;FBLC/zh_CN]",
    # old phones
    "Mozilla/5.0 (Linux; U; Android 2.3.6; zh-cn; GT-S5660 Build/GINGERBREAD) AppleWebKit/533.1"
    " (KHTML, like Gecko) Version/4.0 Mobile Safari/533.1 MicroMessenger/4.5.255",
    "Mozilla/5.0 (Linux; U; Android 4.0.3; zh-cn; M032 Build/IML74K) AppleWebKit/534.30"
    " (KHTML, like Gecko) Version/4.0 Mobile Safari/534.30",
    "Lenovo-A288t_TD/S100 Linux/2.6.35 Android/2.3.5 Release/02.29.2012 Browser/AppleWebkit533.1"
    " Mobile Safari/533.1",
    "JUC (Linux; U; 2.3.7; zh-cn; MB200; 320*480) UCWEB7.9.3.103/139/999",
    "NOKIA5700/ UCWEB7.0.2.37/28/999",
    "UCWEB/2.0 (Java; U; MIDP-2.0; zh-cn; nokia6120c) U2/1.0.0 UCBrowser/8.8.1.252 U2/1.0.0",
    "Nokia6120c/3.83; Profile/MIDP-2.0 Configuration/CLDC-1.1",
    "BlackBerry9700/5.0.0.862 Profile/MIDP-2.1 Configuration/CLDC-1.1 VendorID/331",
    "Mozilla/5.0 (compatible; MSIE 10.0; Windows Phone 8.0; Trident/6.0; IEMobile/10.0; NOKIA)",
    "Mozilla/5.0 (Linux; Android 11; CUBOT NOTE 20) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/96.0.4664.45 Mobile Safari/537.36",
)
PROGRAMS = (
    # libraries
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.31.0",
    "Python/3.11 aiohttp/3.9.1",
    "python-httpx/0.26.0",
    "Scrapy/2.11.0 (+https://scrapy.org)",
    "Go-http-client/2.0",
    "fasthttp",
    "colly - https://github.com/gocolly/colly",
    "Java/17.0.9",
    "Apache-HttpClient/4.5.14 (Java/11.0.21)",
    "Jakarta Commons-HttpClient/3.1",
    "ReactorNetty/1.1.13",
    "ktor-client",
    "okhttp/4.12.0",
    "axios/1.6.5",
    "node",
    "undici",
    "got (https://github.com/sindresorhus/got)",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)",
    "GuzzleHttp/7",
    "Symfony HttpClient (Curl)",
    "PHP/8.2",
    "Faraday v2.9.0",
    "Ruby",
    "http.rb/5.1.1",
    "reqwest/0.11.23",
    "ureq/2.9.1",
    "Dart/3.2 (dart:io)",
    "RestSharp/110.2.0.0",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; zh-CN) WindowsPowerShell/5.1.19041.3803",
    "libwww-perl/6.72",
    "LWP::Simple/6.72 libwww-perl/6.72",
    "lua-resty-http/0.17.1 (Lua) ngx_lua/10025",
    "PostmanRuntime/7.36.0",
    "insomnia/8.5.1",
    "HTTPie/3.2.2",
    "Mozilla/5.0",
    "Dalvik/2.1.0 (Linux; U; Android 14; V2309A Build/UP1A)",
    "WeChat/8.0.49.33 CFNetwork/1474 Darwin/23.0.0",
    # previewers and scanners
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)",
    "WhatsApp/2.23.20.0",
    "Slack-ImgProxy (+https://api.slack.com/robots)",
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "TelegramBot (like TwitterBot)",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft",
    "Iframely/1.3.1 (+https://iframely.com/docs/about)",
    "Mozilla/5.0 (compatible; Embedly/0.2; +http://support.embed.ly/)",
    f"{_MAC} Chrome/112.0 Safari/537.36 facebookexternalhit/1.1 Facebot Twitterbot/1.0",
    f"{_WINDOWS} Chrome/100.0 Safari/537.36 (compatible; Mail-Link-Checker/1.0)",
    "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Trident/7.0; ms-office; MSOffice 16)",
    "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17231; Pro)",
    "DingTalkBot-LinkService/1.0 (+https://open-doc.dingtalk.com/microapp/faquestions/ftpfeu)",
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like"
    " Gecko) Chrome/120.0 Mobile Safari/537.36 (compatible; Googlebot/2.1;"
    " +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0;"
    " +https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)",
    f"{_ANDROID} Mobile Safari/537.36 (compatible; Bytespider; spider-feedback@bytedance.com)",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36",
    "Mastodon/4.2.3 (http.rb/5.1.1; +https://mastodon.social/)",
    "BarracudaCentral URL Scanner",
)

"""Codes that OpenUMS itself gives: one sentence, in Chinese and English, for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Reason(NamedTuple):
    """A sentence, and advice on what to do. The advice is empty where nothing is to be done."""

    zh: str
    en: str
    advice_zh: str = ""
    advice_en: str = ""


# Codes that OpenUMS itself gives. Codes of providers are theirs to explain.
CODES: Mapping[str, Reason] = {
    "quota_used_up": Reason(
        "通道当天的额度已用完",
        "The channel's quota of the day was used up",
        "请提高额度，或改日发送",
        "Raise the quota, or send on another day",
    ),
    "not_in_time": Reason(
        "通道没有及时发出",
        "The channel did not submit it in time",
        "请检查通道的速率和状态",
        "Check rate and health of the channel",
    ),
    "worker_died": Reason(
        "发送进程中断，服务商可能已收到",
        "The worker ended during the call, and the provider may have it",
    ),
    "timeout": Reason("服务商没有及时回答", "The provider did not answer in time"),
    "not_in_answer": Reason(
        "服务商的回答没有提到这次发送", "The provider's answer does not mention it"
    ),
    "no_msg_id": Reason("服务商的回答没有消息号", "The provider's answer has no id"),
    "unknown_platform": Reason(
        "推送服务不认识该设备平台", "The push service does not know the platform of the device"
    ),
    "no_content": Reason(
        "消息没有该服务商可用的内容",
        "The message has no content for this provider",
        "请补充该通道的内容",
        "Add a content for the channel",
    ),
    "too_long": Reason("内容过长", "The content is too long", "请缩短内容", "Shorten the content"),
    "file_too_large": Reason(
        "附件过大", "The attachment is too large", "请换用更小的附件", "Attach a smaller file"
    ),
    "file_not_found": Reason(
        "附件取不到", "The attachment could not be found", "请检查附件地址", "Check its address"
    ),
    "file_expired": Reason(
        "附件已过期", "The attachment has expired", "请重新上传附件", "Upload it again"
    ),
    "template_gone": Reason(
        "第三方平台已没有该模板或签名",
        "The provider no longer has the template or signature",
        "请刷新模板，或改用其他模板",
        "Refresh the templates of the channel, or use another one",
    ),
    "no_recall": Reason("该服务商不支持撤回", "The provider takes nothing back"),
    "connection_lost": Reason("与服务商的连接中断", "The connection to the provider was lost"),
    "connect": Reason("连不上服务商", "The provider could not be reached"),
    "dns": Reason("找不到服务商的域名", "The provider's name could not be resolved"),
    "url": Reason(
        "服务商的地址有误",
        "The provider's address is wrong",
        "请检查通道的地址",
        "Check the address of the channel",
    ),
    "tls": Reason("与服务商的加密连接没有建立", "The encrypted connection to the provider failed"),
    "tls_certificate": Reason(
        "服务商的证书无效",
        "The provider's certificate is not valid",
        "请检查地址和证书",
        "Check address and certificate",
    ),
    "ca": Reason(
        "通道的 CA 证书无法使用",
        "The CA certificate of the channel cannot be used",
        "请更正 CA 证书",
        "Correct the CA certificate",
    ),
    "no_connection": Reason("与网关没有连接", "There is no connection to the gateway"),
    "window_full": Reason(
        "网关还没有确认之前的消息", "The gateway has not answered earlier messages yet"
    ),
    "rate_limit": Reason("发送超过了通道的速率", "The channel's calls per second were used up"),
    "incomplete": Reason("长短信只发出了一部分", "Only some parts of the long SMS left"),
    "answer_signature": Reason(
        "服务商的回答签名不对", "The signature of the provider's answer is wrong"
    ),
    "no_id": Reason("服务商的回答没有编号", "The provider's answer has no id"),
    "not_a_number": Reason(
        "不是有效的手机号",
        "The contact is not a phone number",
        "请更正用户的手机号",
        "Correct the user's phone number",
    ),
    "bad_number": Reason(
        "不是有效的手机号",
        "The contact is not a phone number",
        "请更正用户的手机号",
        "Correct the user's phone number",
    ),
    "not_a_mainland_number": Reason(
        "不是中国大陆的手机号",
        "The number is not one of the Chinese mainland",
        "请更正手机号，或换用其他通道",
        "Correct the number, or use another channel",
    ),
    "repeated_number": Reason(
        "同一批里有重复的号码，改日再发",
        "The number stood in the call already, and goes in a later one",
    ),
    "bad_address": Reason(
        "邮箱地址有误",
        "The address is not valid",
        "请更正用户的邮箱地址",
        "Correct the user's address",
    ),
    "bad_content": Reason(
        "邮件内容有误",
        "The content of the mail is not valid",
        "请检查邮件内容",
        "Check the content of the mail",
    ),
    "sender": Reason(
        "发件人地址不能使用",
        "The sender's address cannot be used",
        "请检查通道的发件人",
        "Check the sender of the channel",
    ),
    "sending_disabled": Reason(
        "服务商已停用该账号的发送",
        "The provider has disabled sending for the account",
        "请联系服务商",
        "Ask the provider",
    ),
    "utf8_not_offered": Reason(
        "邮件服务器不支持非英文地址", "The mail server does not take addresses in other scripts"
    ),
    "starttls_not_offered": Reason(
        "邮件服务器不支持加密",
        "The mail server does not offer encryption",
        "请换用其他端口或服务器",
        "Use another port or server",
    ),
    "login_not_offered": Reason(
        "邮件服务器不支持登录",
        "The mail server does not offer a login",
        "请检查端口和加密方式",
        "Check port and encryption",
    ),
    "login_without_tls": Reason(
        "没有加密，不能登录",
        "A login is not sent without encryption",
        "请启用加密",
        "Turn encryption on",
    ),
    "login_characters": Reason(
        "邮件服务器的账号或密码含有不支持的字符",
        "The login has characters that the mail server does not take",
        "请更换账号或密码",
        "Change the login",
    ),
    "mail_without_tls": Reason(
        "没有加密，不能发送邮件",
        "A mail is not sent without encryption",
        "请启用加密",
        "Turn encryption on",
    ),
    "out_of_time": Reason("这次调用的时间用完了", "The time of the call was used up"),
    "too_large": Reason(
        "内容过大", "The content is too large", "请减小内容", "Make the content smaller"
    ),
    "file_timeout": Reason(
        "附件没有及时取到",
        "The attachment did not come in time",
        "请检查附件地址",
        "Check its address",
    ),
    "mixed_contents": Reason("同一批的内容不一致", "The contents of the call differ"),
    "mixed_templates": Reason("同一批的模板不一致", "The templates of the call differ"),
    "one_person_per_call": Reason(
        "该服务商每次只能发给一个人", "The provider takes one person in a call"
    ),
    "not_recalled": Reason("服务商没有撤回", "The provider has not taken it back"),
    "malformed_id": Reason("服务商返回的编号格式有误", "The provider's id has a wrong form"),
    "no_access_token": Reason(
        "服务商没有返回访问令牌",
        "The provider gave no access token",
        "请检查通道的凭据",
        "Check the credentials of the channel",
    ),
    "token_is_being_fetched": Reason("正在获取访问令牌", "The access token is being fetched"),
    "no_authorisation": Reason("该平台不需要授权", "The platform needs no authorisation"),
    "no_authorization_info": Reason("服务商没有返回授权信息", "The provider gave no authorisation"),
    "no_component_verify_ticket": Reason(
        "还没有收到第三方平台的票据",
        "The ticket of the third-party platform has not come yet",
        "请检查票据的推送",
        "Check that tickets are pushed",
    ),
    "not_authorised": Reason(
        "该账号没有授权",
        "The account has not authorised the platform",
        "请重新授权",
        "Authorise it again",
    ),
    "no_such_channel": Reason("没有这个通道", "There is no such delivery channel"),
    "no_templates": Reason("该平台没有模板", "The platform has no templates"),
    "settings": Reason(
        "通道的设置有误",
        "The settings of the channel are wrong",
        "请检查通道的设置",
        "Check the settings of the channel",
    ),
    "figures_busy": Reason("统计正忙", "The figures are busy"),
}

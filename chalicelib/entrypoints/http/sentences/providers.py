"""Sentences of providers: contents, credentials and options that a platform does not take."""

from __future__ import annotations

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # of values in general
    "is missing": "缺失",
    "is missing or malformed": "缺失或格式有误",
    "is required and must be a text": "须填写，且须为字符串",
    "is required and must be a number": "须填写，且须为数字",
    "is required and must be an object": "须填写，且须为对象",
    "must be a text": "须为字符串",
    "must be a number": "须为数字",
    "must be a list": "须为数组",
    "must be a list of objects": "须为对象的数组",
    "must be a list of names": "须为名称的数组",
    "must be 0 or 1": "须为 0 或 1",
    "must be digits": "须为数字",
    "must be letters and digits": "须为字母和数字",
    "must be ASCII": "须为 ASCII 字符",
    "must be visible ASCII characters": "须为可见的 ASCII 字符",
    "must be one line": "须为一行",
    "must be an e-mail address": "须为邮箱地址",
    "must not be empty": "不能为空",
    "must not be a variable": "不能是变量",
    "must not contain a placeholder": "不能含有变量",
    "must not contain a colon": "不能含有冒号",
    "must have {least} to {most} characters": "须为 {least} 到 {most} 个字符",
    "must have 1 to {most} characters": "须为 1 到 {most} 个字符",
    "must have 1 to {most} entries": "须为 1 到 {most} 项",
    "must have at most {most} entries": "最多 {most} 项",
    "must have at most {most} images": "最多 {most} 张图片",
    "must have at most {most} bytes together": "合计最多 {most} 字节",
    "must be a PNG or JPEG image": "须为 PNG 或 JPEG 图片",
    "must be base64": "须为 base64",
    "must have at most {most} values": "最多 {most} 个值",
    "must have at most {most} {unit}": "最多 {most} {unit}",
    "characters": "个字符",
    "bytes": "字节",
    "must be a number of seconds, at most {most}": "须为秒数，最大 {most}",
    "must be a number of seconds below {most}": "须为小于 {most} 的秒数",
    "is set for each call": "由系统在每次调用时设置",
    # of what a provider posts
    "has no Encrypt": "缺少 Encrypt",
    "has too many elements": "元素过多",
    "holds no events": "没有事件",
    "is not readable JSON": "无法读取，不是 JSON",
    "is not readable XML": "无法读取，不是 XML",
    "is not a readable form": "无法读取，不是表单",
    "must not declare a document type": "不能声明文档类型",
    "must be RPT_REQ or MO_REQ": "须为 RPT_REQ 或 MO_REQ",
    # of apps
    "is not part of a message's content": "不属于消息内容",
    "is required, here or as notification.alert": "须填写，或填写 notification.alert",
    "must map words to delivered, delivery_failed or clicked": (
        "值须为 delivered、delivery_failed 或 clicked"
    ),
    # of SMS
    "must fit into {most} SMS": "不能超过 {most} 条短信",
    "must not contain {text}, which is the platform's own placeholder": (
        "不能含有 {text}，它是该平台自己的变量"
    ),
    "required together with receiver": "与 receiver 须一起填写",
    "must be a list of up to 100 states of a report": "须为最多 100 个回执状态的数组",
    "must be a text or number under a fixed name": "须为字符串或数字，名称须固定",
    "a verification code has one variable, which is {{code}}": "验证码只有一个变量 {{code}}",
    "must be 1 to {most} for a verification code": "验证码须为 1 到 {most}",
    "must be 2 to 8 Chinese characters, letters or digits": "须为 2 到 8 个汉字、字母或数字",
    "must name the address that stands for {{url}}": "须写明 {{url}} 所代表的地址",
    "must not have 【 or 】: the signature is added by itself": "不能含有【或】，签名会自动添加",
    "{{{{{name}}}}}: names of variables are letters and digits": (
        "{{{{{name}}}}}：变量名须为字母和数字"
    ),
    "must be at most 32 letters and digits": "最多 32 个字母和数字",
    "must be md5 for an address without TLS, or others could read the password": (
        "地址没有 TLS 时须为 md5，否则密码会被他人读到"
    ),
    "must have 2 to 16 characters, without brackets": "须为 2 到 16 个字符，不含括号",
    # of WeChat and WeCom
    "must be 3 to 32 letters and digits": "须为 3 到 32 个字母和数字",
    "must be 43 letters and digits": "须为 43 个字母和数字",
    "must be 43 letters, digits, + or /": "须为 43 个字母、数字、+ 或 /",
    "must be an AppID": "须为 AppID",
    "is required for a jump to a mini-program": "跳转小程序时须填写",
    "must be 0 (template message) or 1 (subscription notice)": (
        "须为 0（模板消息）或 1（订阅通知）"
    ),
    "must be a color such as #173177": "须为颜色，例如 #173177",
    "must be an object with a value": "须为含 value 的对象",
    "the names of values are letters, digits and _, beginning with a letter": (
        "值的名称须为字母、数字和 _，以字母开头"
    ),
    "any text": "任意文字",
    "a number": "数字",
    "letters": "字母",
    "symbols": "符号",
    "digits and symbols": "数字和符号",
    "digits, letters and symbols": "数字、字母和符号",
    "Chinese characters": "汉字",
    "an amount of up to 10 digits": "最多 10 位数字的金额",
    "a name: 10 Chinese characters, or 20 letters and symbols": (
        "姓名：最多 10 个汉字，或 20 个字母和符号"
    ),
    "letters and digits, the first and the last may be Chinese": ("字母和数字，首尾可以是汉字"),
    "a time such as 15:01, or two of them with ~ between": (
        "时间，例如 15:01，或用 ~ 连接的两个时间"
    ),
    "a date such as 2026-11-29, with a time or without, or two of them with ~ between": (
        "日期，例如 2026-11-29，可带时间，或用 ~ 连接的两个日期"
    ),
    "one of the texts that the template allows": "模板允许的文字之一",
    # of Alipay
    "must be an object of value and color": "须为含 value 和 color 的对象",
    "must have at most 8 Chinese or 16 other characters": "最多 8 个汉字或 16 个其他字符",
    "must be an RSA key of at least {bits} bits": "须为至少 {bits} 位的 RSA 密钥",
    "must be an RSA private key without a password, PKCS#1 or PKCS#8, as PEM or base64": (
        "须为没有密码的 RSA 私钥，PKCS#1 或 PKCS#8，PEM 或 base64 格式"
    ),
    "must be an RSA public key": "须为 RSA 公钥",
    "must be an RSA public key (not a certificate), as PEM or base64": (
        "须为 RSA 公钥（不是证书），PEM 或 base64 格式"
    ),
    # of DingTalk
    "cannot be combined with single_title and single_url": (
        "不能与 single_title 和 single_url 同时使用"
    ),
    "must be 8 hexadecimal digits": "须为 8 位十六进制数字",
    # of e-mail
    "is not a header that a content may set": "不是内容可以设置的邮件头",
    "must be a list of at most {most} addresses": "须为最多 {most} 个地址的数组",
    "must be an object of at most {most} headers": "须为最多 {most} 个邮件头的对象",
    "must be one line, as the header's format asks": "须为一行，并符合该邮件头的格式",
    "must look like a domain name (RFC 2919)": "须形如域名（RFC 2919）",
    "needs a text that is HTML": "正文须为 HTML",
    "is not the Message-ID of a mail of ours": "不是本系统邮件的 Message-ID",
    "must be hard, soft or complaint": "须为 hard、soft 或 complaint",
    "must be milliseconds": "须为毫秒数",
    "must be the ARN of a topic of SNS": "须为 SNS 主题的 ARN",
    "or contact is required": "须填写，或填写 contact",
    "must be a region of AWS, such as eu-west-1": "须为 AWS 区域，例如 eu-west-1",
    "must be the name of a configuration set": "须为配置集的名称",
    "must be a certificate in PEM": "须为 PEM 格式的证书",
    "must be a port number": "须为端口号",
    "must be none, tls or starttls": "须为 none、tls 或 starttls",
    "must not be none when a password is sent (or set allow_plain_auth)": (
        "发送密码时不能为 none（或设置 allow_plain_auth）"
    ),
    "must not be none, unless the deployment allows {address}": (
        "不能为 none，除非部署放行了 {address}"
    ),
    "required together with username": "与 username 须一起填写",
    "could not be opened; SNS sends it again": "无法打开，SNS 会再次发送",
    "is not a type of SNS": "不是 SNS 的类型",
    "must be an e-mail address with at most {most} characters before the @": (
        "须为邮箱地址，@ 之前最多 {most} 个字符"
    ),
}

"""Sentences of the domain and of what operators and senders configure."""

from __future__ import annotations

from collections.abc import Mapping

CHINESE: Mapping[str, str] = {
    # of values in general
    "is required": "缺失",
    "is not a known field": "是未知字段",
    "is empty": "为空",
    "does not exist": "不存在",
    "must be true or false": "须为 true 或 false",
    "must be an object": "须为对象",
    "must be one of {allowed}": "须为 {allowed} 之一",
    "must be {kind}": "须为{kind}",
    "must be a number from {least} to {most}": "须为 {least} 到 {most} 的数字",
    "must have at most {most} characters": "最多 {most} 个字符",
    "must have at most {most} characters: {kind}": "最多 {most} 个字符：{kind}",
    "{least} to {most} characters": "须为 {least} 到 {most} 个字符",
    "1 to {most} characters": "须为 1 到 {most} 个字符",
    "more than {most} characters": "超过 {most} 个字符",
    "more than {most} bytes": "超过 {most} 字节",
    "at least one channel": "至少要有一个通道类型",
    "at least one channel type": "至少要有一个通道类型",
    "invalid; use the cursor of the previous page": "无效，请使用上一页返回的 cursor",
    # of changes that came at the same time
    "somebody else changed this meanwhile": "其间已被他人修改",
    "taken": "已被使用",
    "others changed the user at the same time": "用户正在被其他请求修改，请重试",
    "the user is being changed by other requests; retry": "用户正在被其他请求修改，请重试",
    "was changed by others at the same time, please try again": "正在被其他请求修改，请重试",
    "others keep changing the library": "模板库正在被其他请求修改，请重试",
    "others keep changing the template": "模板正在被其他请求修改，请重试",
    "somebody else made another version meanwhile": "其间已有他人保存了新版本",
    'changed since you read it; the current ETag is "{version}"': (
        '读取后已被修改，当前的 ETag 为 "{version}"'
    ),
    # of addresses
    "an address has at most {most} bytes": "地址最多 {most} 字节",
    "an address has no control characters": "地址不能含有控制字符",
    "an address has no user name or password": "地址不能含有用户名或密码",
    "is no address": "不是地址",
    "must name a host": "须含有主机名",
    "must start with http:// or https://": "须以 http:// 或 https:// 开头",
    "must begin with https://": "须以 https:// 开头",
    "must begin with https:// (plain HTTP only to what is on the allow-list)": (
        "须以 https:// 开头（只有放行名单里的地址可以用 HTTP）"
    ),
    "must be 1 to 2048 printable ASCII characters": "须为 1 到 2048 个可见的 ASCII 字符",
    "must not contain credentials": "不能含有用户名或密码",
    "has no valid host and port": "主机名或端口有误",
    "is not a public address and port": "不是公网地址和端口",
    # of channels
    "this stage does not deliver on {channel_type}": "当前部署不支持 {channel_type}",
    "{platform} needs the worker {worker}, which this stage does not run": (
        "{platform} 需要工作进程 {worker}，当前部署没有运行它"
    ),
    "is not known; for {channel_type} there is: {platforms}": (
        "平台不存在，{channel_type} 可用：{platforms}"
    ),
    "{platform} delivers on {served}, not on {channel_type}": (
        "{platform} 用于 {served}，不能用于 {channel_type}"
    ),
    "this provider has: {modes}": "该服务商可用：{modes}",
    "must be 0 or a number from 0.01 to {most}": "须为 0，或 0.01 到 {most} 的数字",
    "must be a list of at most {most} words with letters or digits, of {length} characters each": (
        "最多 {most} 个词，每个含有字母、汉字或数字，不超过 {length} 个字符"
    ),
    "must name at most {most} domains in small letters, with rates from 0.01 to {highest}": (
        "最多 {most} 个小写的域名，速率为 0.01 到 {highest}"
    ),
    '"{word}" is reserved': "「{word}」是保留字",
    "a delivery channel has at most {most} labels": "每个通道最多 {most} 个联系标签",
    "are required with options: both are checked together, and stored ones cannot be opened here": (
        "修改 options 时也须填写：两者一起校验，而已保存的凭据不能在这里读取"
    ),
    "only for the channel type sms, whose contacts are numbers": "只用于短信通道，按号码计价",
    "the platform of this delivery channel has no webhooks": "该通道的平台没有 Webhook",
    "{platform} is not authorised by a page, but by its credentials": (
        "{platform} 不需要授权页，用凭据授权"
    ),
    "there are {most} data keys already": "已有 {most} 个数据密钥",
    # of strategies
    "a strategy has at least one step": "发送策略至少要有一步",
    "a condition on an earlier step is required": "须有对前面步骤的条件",
    "the first step has no condition": "第一步不能有条件",
    "must name {types} too: a person gets one of them": (
        "还须包含 {types}：每个用户只会收到其中一个"
    ),
    "needs at least two channels to choose from": "至少要有两个通道类型才能选择",
    "within: 1 to {most} seconds": "within 须为 1 到 {most} 秒",
    "{channel_type} is not a channel of an earlier step: this step would never run": (
        "{channel_type} 不在前面的步骤里，这一步永远不会执行"
    ),
    "{channel_type} stands in the strategy already; each channel once": (
        "{channel_type} 已在发送策略里，每个通道类型只能出现一次"
    ),
    "no delivery channel for {channel_type} reports clicks": ("没有报告点击的 {channel_type} 通道"),
    # of times
    "five fields: minute, hour, day of the month, month, day of the week": (
        "须为五段：分、时、日、月、星期"
    ),
    "at most {most} runs an hour": "每小时最多 {most} 次",
    "{name}: {part} {reason}": "{name}：{part} {reason}",
    "minute": "分",
    "hour": "时",
    "day of the month": "日",
    "month": "月",
    "day of the week": "星期",
    "is not a value": "不是有效的值",
    "is not a value, a range or a step": "不是值、范围或步长",
    "is not within {first} to {last}": "不在 {first} 到 {last} 之间",
    "must differ from `begin`": "不能与 begin 相同",
    "leave no time to send messages of priority {priority}": (
        "没有给优先级 {priority} 的消息留出发送时间"
    ),
    "after `until`": "晚于 until",
    "must be after since": "须晚于 since",
    "at most {most} days": "最多 {most} 天",
    "at most {most} days by hour": "按小时最多 {most} 天",
    "at most {most} days in another zone than the deployment's": ("用其他时区时最多 {most} 天"),
    "not an IANA time zone": "不是 IANA 时区",
    # of templates and contents
    "must be a text, a number, true or false": "须为字符串、数字、true 或 false",
    "must not hold {{": "不能含有 {{",
    "the template's variable has no value": "模板变量没有值",
    "no content has this variable": "没有内容使用这个变量",
    "more than {most} attributes of users": "用户属性超过 {most} 个",
    "more than {most} elements on all delivery channels together": "各通道的内容合计超过 {most} 个",
    "nothing delivers on this channel type yet": "这个通道类型还没有通道",
    "cannot be sent through UMS": "不能通过 UMS 发送",
    "must be the same in every element, since they become one push": (
        "各条内容须相同，它们会合成一条推送"
    ),
    "must stand in every element, since they become one push": (
        "各条内容都须有，它们会合成一条推送"
    ),
    "{platform} takes none of it ({field}: {reason})": (
        "{platform} 不接受其中任何内容（{field}：{reason}）"
    ),
    "with these values {platform} does not take the content ({field}: {reason})": (
        "填入这些值后 {platform} 不接受该内容（{field}：{reason}）"
    ),
    "with these values {field} {reason}": "填入这些值后 {field} {reason}",
    "the material has expired": "附件已过期",
    "there is no such material": "附件不存在",
    "must have a letter or a digit": "须含有字母、汉字或数字",
    "enabled: on or off": "enabled 须为 on 或 off",
    "more than {most} words": "超过 {most} 个词",
    # of third-party templates
    "message": "模板消息",
    "notice": "订阅通知",
    "text": "短信模板",
    "signature": "签名",
    "is a {registered} at the provider, not a {used}": "在服务商处是{registered}，不是{used}",
    "is not a field of '{title}', which has: {names}": "不是「{title}」的字段，可用：{names}",
    "is required by the third-party template '{title}'": "第三方平台模板「{title}」需要它",
    "has {most} of them already": "已有 {most} 个",
    "is offered by no platform": "没有平台提供",
    "{platform} does not offer this": "{platform} 不提供",
    "only what the provider's review has refused can be changed, and this is {state}": (
        "只能修改服务商审核未通过的，当前状态为 {state}"
    ),
    # of people
    "has more than {most} bytes of contacts and tags": "联系方式和标签超过 {most} 字节",
    "has more than {most} kinds of events": "事件超过 {most} 种",
    "1 to 64 of letters, digits and _@!#$&*+=.|¥￥-": (
        "须为 1 到 64 个字母、数字或 _@!#$&*+=.|¥￥-"
    ),
    "is not the code of a delivery channel that is authorised to this channel key": (
        "不是已授权给该渠道的通道代码"
    ),
    "there is no {channel_type} channel with this code": "没有这个代码的 {channel_type} 通道",
    "must be all or the caller's own channel key": "须为 all 或调用方自己的 Channel Key",
    "must be all or the channel key of an access channel": "须为 all 或渠道的 Channel Key",
    "this access channel must not change what belongs to all": "该渠道不能修改属于 all 的内容",
    "this access channel must not change what is bound to all": "该渠道不能修改绑定到 all 的内容",
    "no such topic": "主题不存在",
    "has {most} topics already": "已有 {most} 个主题",
    # of segments, lists and imports
    "segment": "人群",
    "list": "名单",
    "there is no such {family}": "{family}不存在",
    "there is no such template": "模板不存在",
    "there is no such topic": "主题不存在",
    "there is no such access channel": "渠道不存在",
    "only a segment of the kind `rules` has a rule": "只有按规则的人群才有规则",
    "the members of a segment by rules are found by its rule": "按规则的人群由规则决定成员",
    "interactions are not kept: PUT /admin/v1/interactions/{key}": (
        "没有保存互动记录，请先调用 PUT /admin/v1/interactions/{key}"
    ),
    "must be `all`, the channel key, or a code of its own": (
        "须为 all、渠道的 Channel Key 或它的通道代码"
    ),
    "no user has this tag, and nobody has added it": "没有用户有这个标签，也没有人添加过它",
    "has not been uploaded yet": "文件还没有上传",
    # of members, reviews and other settings
    "is not the access key of a member": "不是成员的 Access Key",
    "is required to reject": "驳回时须填写",
    "must be a new one": "须与旧密码不同",
    "the second factor is on already; turn it off first, with a code": (
        "已开启两步验证，请先用验证码关闭"
    ),
    "needs more different characters": "不同的字符太少",
    "you signed in with a key; an administrator gives you a login": (
        "你用密钥登录，请让管理员为你开通登录名"
    ),
    "you have {most} drafts already": "你已有 {most} 份草稿",
    "an access channel has at most {most} addresses": "每个渠道最多 {most} 个回调地址",
    "is required for auth {auth}": "认证方式为 {auth} 时须填写",
    "more than the {days} days for which messages are kept": "超过消息的保存期限 {days} 天",
    "only a single time (at) is possible in an A/B test": "A/B 测试只能定时一次（at）",
}

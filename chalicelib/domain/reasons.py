"""Reasons: one sentence, in Chinese and English, for each loss, fact and known code.

Life cycles, exports and consoles show these sentences. A provider's own code stays beside its
fact's sentence.
"""

from __future__ import annotations

from collections.abc import Mapping

from chalicelib.domain.facts import FactKind
from chalicelib.domain.plans import TargetLoss, Unchosen
from chalicelib.domain.reason_codes import CODES as CODES
from chalicelib.domain.reason_codes import Reason as Reason

LOSSES: Mapping[TargetLoss, Reason] = {
    TargetLoss.HOLDOUT: Reason(
        "用户在 A/B 测试的对照组里，不发送",
        "The person is held out of the A/B test, and gets none of its messages",
    ),
    TargetLoss.UNKNOWN_USER: Reason(
        "用户不存在",
        "There is no such user",
        "请先上传用户，或检查 userid",
        "Upload the user first, or check the userid",
    ),
    TargetLoss.NO_CONTACT: Reason(
        "用户在所选通道上没有可用的联系方式",
        "The user has no contact on these channels",
        "请补全用户的联系方式，或改用用户已有的通道",
        "Add a contact to the user, or send on a channel that the user has",
    ),
    TargetLoss.OPTED_OUT: Reason(
        "用户已退订该渠道的消息", "The person opted out of these messages"
    ),
    TargetLoss.CONTACT_GONE: Reason(
        "服务商已报告该联系方式失效",
        "The provider reported the contact as dead",
        "请更新用户的联系方式",
        "Give the user a new contact",
    ),
    TargetLoss.BLACKLISTED: Reason(
        "用户在本次发送所选的黑名单里",
        "The user is on the blacklist of the send",
        "如需发送，请将用户移出黑名单",
        "Take the user off the blacklist if you want to reach the user",
    ),
    TargetLoss.NOT_WHITELISTED: Reason(
        "用户不在本次发送所选的白名单里",
        "The user is not on the whitelist of the send",
        "如需发送，请将用户加入白名单",
        "Put the user on the whitelist if you want to reach the user",
    ),
    TargetLoss.UNWANTED: Reason(
        "用户不想在这些通道上接收该主题",
        "The person does not want the topic on these channels",
    ),
    TargetLoss.QUIET_TIME: Reason(
        "当前是用户自己设置的免打扰时段",
        "It was a quiet time that the person has chosen",
        "可改用邮件，或换个时间发送",
        "Send by e-mail, or at another time",
    ),
    TargetLoss.NO_CONSENT: Reason(
        "联系方式没有该用途的授权同意",
        "No contact has the consent that the message needs",
        "请先取得用户同意，并通过 /v1/consents 上报",
        "Get the person's consent first, and record it by /v1/consents",
    ),
    TargetLoss.NO_VALUE: Reason(
        "用户缺少模板所需的属性，且模板没有默认值",
        "The user lacks an attribute for which the template has no default",
        "请补全用户属性，或在模板里写默认值",
        "Set the attribute of the user, or give the template a default",
    ),
    TargetLoss.UNFIT_VALUE: Reason(
        "用户的属性值不适合该内容，例如过长",
        "An attribute of the user does not fit into the content",
        "请检查该属性的长度和内容",
        "Check the length and the text of the attribute",
    ),
    TargetLoss.SENSITIVE_VALUE: Reason(
        "用户的属性值使内容含有敏感词",
        "An attribute of the user puts a sensitive word into the content",
        "请检查该用户的属性",
        "Check the attributes of the user",
    ),
    TargetLoss.CAPPED: Reason(
        "用户收到的消息已达频次上限",
        "The person has got as many messages as a frequency cap allows",
        "可稍后再发，或调整频次上限",
        "Send later, or change the frequency cap",
    ),
    TargetLoss.OVER_BUDGET: Reason(
        "渠道本月的预算已用完",
        "The budget of the access channel's month is used up",
        "可提高预算，或下月再发",
        "Raise the budget, or send next month",
    ),
    TargetLoss.SUPPRESSED: Reason(
        "该联系方式已停发",
        "The deployment suppresses the contact",
        "如需发送，请将联系方式移出停发名单",
        "Take the contact off the suppressions if you want to reach it",
    ),
    TargetLoss.OTHER_DAY: Reason(
        "定时任务当天不是该用户的日期", "The user's date is not the day of the schedule"
    ),
}

LEFT_OUT: Mapping[Unchosen, Reason] = {
    Unchosen.DEARER: Reason(
        "这一步已选用更便宜的通道", "The step chose a cheaper channel of the person"
    ),
    Unchosen.LOWER_RATE: Reason(
        "这一步已选用近 30 天效果更好的通道",
        "The step chose a channel of the person that did better in the last 30 days",
    ),
    Unchosen.LOWER_OWN_RATE: Reason(
        "这一步已选用近 30 天对该用户效果更好的通道",
        "The step chose a channel that did better for the person in the last 30 days",
    ),
    Unchosen.LESS_PREFERRED: Reason(
        "这一步已选用该用户偏好的通道", "The step chose the channel that the person prefers"
    ),
    Unchosen.STANDS_LATER: Reason(
        "各通道条件相同，这一步已选用排在前面的通道",
        "The step chose the channel that stands first in it, as both are equally good",
    ),
}

ONLY = Reason("这一步只有这个通道能触达该用户", "No other channel of the step reaches the person")

# By the name of the rule that holds a step.
HOLDS: Mapping[str, Reason] = {
    "condition": Reason(
        "等待前面通道的送达或点击", "It waits for receipts or clicks of earlier steps"
    ),
    "schedule": Reason(
        "等待用户当地的发送时间", "It waits for the time of the schedule where the user is"
    ),
    "quiet_hours": Reason(
        "等待渠道的免打扰时段结束", "It waits until the quiet hours of the access channel end"
    ),
    "quiet_time": Reason(
        "等待用户的免打扰时段结束", "It waits until the quiet time of the person ends"
    ),
}

FACTS: Mapping[FactKind, Reason] = {
    FactKind.SUBMITTED: Reason("服务商已接受", "The provider accepted it"),
    FactKind.SUBMIT_FAILED: Reason(
        "服务商拒绝了这次发送",
        "The provider refused the delivery",
        "请按服务商返回的代码检查内容和通道配置",
        "Check content and channel by the provider's code",
    ),
    FactKind.INVALID_TARGET: Reason(
        "服务商认为该联系方式有误",
        "The provider says that the contact is wrong",
        "请更正用户的联系方式",
        "Correct the user's contact",
    ),
    FactKind.DELIVERED: Reason("已送达", "It arrived"),
    FactKind.DELIVERY_FAILED: Reason(
        "服务商已接受，但没有送达",
        "The provider took it, and it did not arrive",
        "请按服务商返回的代码查找原因",
        "Look up the provider's code",
    ),
    FactKind.BOUNCED: Reason(
        "邮件被退回",
        "The mail came back",
        "请检查邮箱地址",
        "Check the address",
    ),
    FactKind.CLICKED: Reason("用户已点击", "The person clicked"),
    FactKind.WITHDRAWN: Reason("消息已撤回", "The message was withdrawn"),
    FactKind.WITHDRAW_FAILED: Reason(
        "消息已发出，收不回来", "It had left and could not be taken back"
    ),
    FactKind.UNKNOWN: Reason(
        "结果未知：请求已发出，但服务商没有回答",
        "Unknown: the request went out, and the provider did not answer",
        "为避免重复，默认不重发",
        "It is not sent again by default, so that nobody gets it twice",
    ),
    FactKind.SKIPPED: Reason("已由其他通道触达", "Another channel reached the person meanwhile"),
    FactKind.EXPIRED: Reason(
        "没有及时发出，已过期",
        "It was not submitted in time",
        "请检查通道的额度、速率和状态",
        "Check quota, rate and health of the channel",
    ),
    FactKind.OPENED: Reason("邮件已打开", "The mail was opened"),
    FactKind.SCANNED: Reason("链接被程序扫描过", "A program looked at a link"),
    FactKind.COMPLAINED: Reason(
        "收件人将邮件举报为垃圾邮件", "The reader reported the mail as spam"
    ),
    FactKind.OTHER: Reason(
        "服务商返回了我们还不认识的状态", "The provider reported a status that is not known yet"
    ),
}


def of_loss(reason: str) -> Reason:
    """Return the sentence of a target's or delivery's loss, such as `expired:quota_used_up`.

    A provider's own code stands in brackets behind its fact's sentence.
    """
    name, _, code = reason.partition(":")
    if name in LOSSES:
        return LOSSES[TargetLoss(name)]
    if name in LEFT_OUT:
        return LEFT_OUT[Unchosen(name)]
    fact = FACTS[FactKind(name)] if name in FACTS else FACTS[FactKind.OTHER]
    if not code:
        return fact
    known = CODES.get(code)
    zh, en = (known.zh, known.en) if known else (code, code)
    advice = known if known and known.advice_en else fact
    return Reason(f"{fact.zh}（{zh}）", f"{fact.en} ({en})", advice.advice_zh, advice.advice_en)

"""Definitions of figures in Chinese and English: for documents, consoles and exports.

The names are those of the API. People and deliveries have definitions of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Definition(NamedTuple):
    zh: str  # the term, as consoles show it
    meaning_zh: str
    meaning_en: str


DEFINITIONS: Mapping[str, Definition] = {
    "requests": Definition(
        "请求量",
        "一段时间内下发的发送任务数，按受理时间计入",
        "Messages that were accepted, by the time of acceptance.",
    ),
    "users.planned": Definition(
        "计划用户数",
        "通过各种条件所圈定的初始发送目标用户数量；以联系方式发送时，1 个注册 ID 计为 1 个用户",
        "Everyone whom the audience means. A registration id that a message names is one person.",
    ),
    "users.valid": Definition(
        "有效用户数",
        "经过过滤机制筛选后的最终发送目标用户数量",
        "Planned people without those that were lost before sending.",
    ),
    "users.submitted": Definition(
        "发送用户数",
        "任一通道返回了发送成功的用户数量",
        "People of whom a provider accepted a delivery, on any channel.",
    ),
    "users.delivered": Definition(
        "送达用户数",
        "任一通道有实际送达回执的用户数量",
        "People of whom a receipt says that a delivery arrived, on any channel.",
    ),
    "users.clicked": Definition(
        "点击用户数",
        "在任一通道有实际点击的用户数量",
        "People who clicked, on any channel.",
    ),
    "deliveries.planned": Definition(
        "计划目标数",
        "将要提交到下游通道的通道 ID 总数",
        "Contacts that were to be submitted to delivery channels.",
    ),
    "deliveries.valid": Definition(
        "有效目标数",
        "经过下游通道过滤机制筛选后的最终发送目标数量",
        "Planned deliveries without those whose contact the provider refused.",
    ),
    "deliveries.submitted": Definition(
        "发送数量",
        "在有效目标中，各通道成功提交下发的目标数量",
        "Valid deliveries that the provider accepted.",
    ),
    "deliveries.delivered": Definition(
        "送达数量",
        "在发送数量中，通过回执判断已成功送达的目标数量",
        "Submitted deliveries of which a receipt says that they arrived.",
    ),
    "deliveries.clicked": Definition(
        "点击数量",
        "消息送达后，被用户点击打开的目标数量",
        "Deliveries that the person clicked.",
    ),
    "delivery_rate": Definition("送达率", "送达 ÷ 发送", "Delivered divided by submitted."),
    "click_rate": Definition("点击率", "点击 ÷ 送达", "Clicked divided by delivered."),
    "acceptance_rate": Definition(
        "发送成功率",
        "发送 ÷（发送 + 发送失败）",
        "Submitted divided by submitted and failed submissions.",
    ),
    "mean": Definition(
        "30 天均值",
        "截至消息发送当天的 30 天内，该渠道在该通道类型上全部消息的送达率或点击率",
        "Delivery or click rate of all messages of the access channel on the channel type, in the"
        " 30 days up to the day of the message.",
    ),
    "p10": Definition(
        "第 10 百分位",
        "这 30 天里有发送（点击率：有送达）的各天，十分之一的天不高于它",
        "Of the days among these that have submissions (for clicks: deliveries), a tenth is not"
        " above it.",
    ),
    "p90": Definition(
        "第 90 百分位",
        "这 30 天里有发送（点击率：有送达）的各天，十分之九的天不高于它",
        "Of the same days, nine tenths are not above it.",
    ),
    "receipt_seconds": Definition(
        "回执时延",
        "从提交到收到送达回执的秒数；p90 表示十分之九的回执不晚于它，误差不超过五分之一",
        "Seconds from submission to the receipt. p90: nine of ten came within it, to a fifth.",
    ),
    "cost": Definition(
        "费用",
        "已提交目标的费用，按提交时的通道单价计；短信按条数计，单价以最长的号码前缀为准；计入消息下发的那一天",
        "Cost of submitted deliveries, by the price at submission. An SMS counts its parts.",
    ),
    "opened": Definition("打开数量", "邮件里的图片被加载", "Mails whose picture was fetched."),
    "open_rate": Definition(
        "打开率",
        "打开 ÷ 送达；只在开启了打开跟踪的通道上有",
        "Opened divided by delivered, where opens are tracked (`track_opens`).",
    ),
    "scanned": Definition("扫描数量", "链接被程序访问，不算点击", "Links that a program fetched."),
    "complained": Definition(
        "投诉数量", "收件人举报为垃圾邮件", "Mails that were reported as spam."
    ),
    "opted_out": Definition(
        "退订量",
        "通过短信回复、邮件一键退订或偏好页退出的次数，按记录时间计入；已退订的再次退订不计；偏好页上每个主题、每种通道类型各计一次；短信回复不知道是哪个模板",
        "Ways out by reply, one click in a mail, or the preferences page, by the time of record."
        " A repeat does not count. Each topic that is left counts on each channel type. A reply"
        " does not name a template.",
    ),
    "losses.users": Definition(
        "目标用户损耗",
        "从计划用户到有效用户的损耗，按原因；发送之后的损耗都计入通道",
        "People lost from planned to valid, by reason. Later losses are those of channels.",
    ),
    "losses.valid": Definition(
        "计划目标→有效目标的损耗",
        "通道认为联系方式有误，或按发送规则不发给该联系方式，按原因",
        "Deliveries to wrong contacts, and contacts that the rules of sending left out.",
    ),
    "losses.submitted": Definition(
        "有效目标→发送数量的损耗",
        "没有成功提交的目标，按原因；等待提交的不算损耗",
        "Valid deliveries that were not submitted. Those that still wait are not lost.",
    ),
    "losses.delivered": Definition(
        "发送数量→送达数量的损耗",
        "回执说没有送达的目标，按原因；还没有回执的不算损耗，所以损耗不一定等于两级之差",
        "Deliveries that did not arrive. Those without a receipt are not lost.",
    ),
    "share": Definition("占比", "该原因 ÷ 该阶段全部损耗", "Reason divided by its stage's losses."),
    "users_delivered": Definition(
        "送达用户数（按上报时间）",
        "首次送达回执在这一小时上报的用户数量",
        "People whose first receipt of delivery came in this hour.",
    ),
    "users_clicked": Definition(
        "点击用户数（按上报时间）",
        "首次点击在这一小时上报的用户数量",
        "People whose first click came in this hour.",
    ),
    "deliveries_delivered": Definition(
        "送达数量（按上报时间）",
        "送达回执在这一小时上报的目标数量",
        "Deliveries whose receipt came in this hour.",
    ),
    "deliveries_clicked": Definition(
        "点击数量（按上报时间）",
        "点击在这一小时上报的目标数量",
        "Deliveries whose first click came in this hour.",
    ),
    "clicks": Definition(
        "点击分布",
        "所选时间段内，按星期和一天 24 小时累计的点击数量，按上报时间",
        "Clicks of the stretch by weekday and hour of the day, by the time of the report.",
    ),
    "coverage": Definition(
        "用户通道覆盖率",
        "有该通道联系方式的用户占全部用户的比例",
        "Share of all users who have a contact on the channel.",
    ),
}

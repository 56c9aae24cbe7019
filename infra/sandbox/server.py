"""Puts the sandbox together and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from infra.sandbox import certificate, smtp
from infra.sandbox.accounts import Accounts
from infra.sandbox.alipay import server as alipay
from infra.sandbox.behaviour import Troubles
from infra.sandbox.calllog import CallLog
from infra.sandbox.chuanglan import rules as chuanglan_rules
from infra.sandbox.chuanglan import server as chuanglan
from infra.sandbox.cmpp import server as cmpp
from infra.sandbox.control import Control
from infra.sandbox.dingtalk import server as dingtalk
from infra.sandbox.jpush import receipts as jpush_receipts
from infra.sandbox.jpush import server as jpush
from infra.sandbox.jsms import rules as jsms_rules
from infra.sandbox.jsms import server as jsms
from infra.sandbox.montnets import rules as montnets_rules
from infra.sandbox.montnets import server as montnets
from infra.sandbox.outbox import Outbox
from infra.sandbox.receipts import Receipts
from infra.sandbox.vendor import MAX_BODY, Core, Options, application
from infra.sandbox.wechat import events as wechat_events
from infra.sandbox.wechat import server as wechat
from infra.sandbox.wecom import callbacks as wecom_callbacks
from infra.sandbox.wecom import server as wecom

HOST = smtp.HOST
SHUTDOWN_SECONDS = 0.5

WITH_ACCOUNTS = (jpush, jsms, chuanglan, montnets, cmpp, alipay, dingtalk, wecom, wechat)
ACCOUNT_DEFAULTS = {each.NAME: each.ACCOUNT_DEFAULTS for each in WITH_ACCOUNTS}
WRITERS = {
    jpush.NAME: jpush_receipts.parcel,
    jsms.NAME: jsms_rules.parcel,
    chuanglan.NAME: chuanglan_rules.parcel,
    montnets.NAME: montnets_rules.parcel,
    wecom.NAME: wecom_callbacks.parcel,
    wechat.NAME: wechat_events.parcel,
}
REPLIES = {
    jsms.NAME: jsms_rules.reply,
    chuanglan.NAME: chuanglan_rules.reply,
    montnets.NAME: montnets_rules.reply,
}


@dataclass(frozen=True)
class Ports:
    """0 takes a free one."""

    http: int = 0
    smtp: int = 0
    smtps: int = 0
    starttls: int = 0
    cmpp: int = 0


def core(options: Options) -> Core:
    outbox = Outbox(options.retry_first, subjects=(*WRITERS, "links"))
    return Core(
        options,
        CallLog(),
        Troubles(),
        Accounts(ACCOUNT_DEFAULTS),
        outbox,
        Receipts(outbox, WRITERS),
    )


async def serve(ports: Ports, options: Options, folder: Path) -> None:
    """Prints one line of JSON when it is ready; ends at SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    shared = core(options)
    pem, context = certificate.make(folder)
    listening = {
        name: await smtp.listen(shared, name, getattr(ports, name), context)
        for name in ("smtp", "smtps", "starttls")
    }
    gateway = cmpp.Gateway(shared)
    listening["cmpp"] = await gateway.listen(ports.cmpp)
    about: dict[str, Any] = {
        "certificate": str(pem),
        **{f"{name}_port": _port(server) for name, server in listening.items()},
    }
    runner = web.AppRunner(
        _application(shared, about, pem.read_text(), gateway),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    site = web.TCPSite(runner, HOST, ports.http)
    await site.start()
    about["http_port"] = runner.addresses[0][1]
    sending = asyncio.create_task(shared.receipts.run())
    sending.add_done_callback(lambda task: stop.set())
    print(json.dumps(about), flush=True)
    await stop.wait()
    for server in listening.values():
        server.close()
    await runner.cleanup()
    await shared.outbox.close()
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending


def _application(
    shared: Core, about: dict[str, Any], pem: str, gateway: cmpp.Gateway
) -> web.Application:
    push, sms, life, work = (
        jpush.JPush(shared),
        jsms.Jsms(shared),
        alipay.Alipay(shared),
        wecom.WeCom(shared),
    )
    chat = wechat.WeChat(shared)
    providers = (
        push,
        sms,
        life,
        work,
        chat,
        chuanglan.Chuanglan(shared),
        montnets.Montnets(shared),
        dingtalk.DingTalk(shared),
    )
    about["alipay_public_key"] = life.public_key
    app = web.Application(client_max_size=MAX_BODY)
    handshakes = {each.name: each.verify_webhook for each in (sms, work, chat)}
    app.add_routes(Control(shared, (*providers, gateway), handshakes, REPLIES, about, pem).routes())
    app.add_routes(gateway.routes())
    for provider in providers:
        app.add_subapp(f"/{provider.name}", application(provider, shared.log))
    return app


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])

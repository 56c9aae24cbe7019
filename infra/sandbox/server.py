"""Put the sandbox together, and run it until a signal stops it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import signal
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

from infra.sandbox import certificate
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
from infra.sandbox.ses import events as ses_events
from infra.sandbox.ses import server as ses
from infra.sandbox.smtp import server as smtp
from infra.sandbox.vendor import MAX_BODY, Core, Options, application
from infra.sandbox.wechat import events as wechat_events
from infra.sandbox.wechat import server as wechat
from infra.sandbox.wecom import callbacks as wecom_callbacks
from infra.sandbox.wecom import server as wecom

SHUTDOWN_SECONDS = 0.5

WITH_ACCOUNTS = (jpush, jsms, chuanglan, montnets, cmpp, ses, alipay, dingtalk, wecom, wechat)
ACCOUNT_DEFAULTS = {vendor.NAME: vendor.ACCOUNT_DEFAULTS for vendor in WITH_ACCOUNTS}
WRITERS = {
    jpush.NAME: jpush_receipts.parcel,
    jsms.NAME: jsms_rules.parcel,
    chuanglan.NAME: chuanglan_rules.parcel,
    montnets.NAME: montnets_rules.parcel,
    ses.NAME: ses_events.parcel,
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
    """Ports to listen on. 0 takes a free port."""

    http: int = 0
    smtp: int = 0
    smtps: int = 0
    starttls: int = 0
    cmpp: int = 0


def new_core(options: Options) -> Core:
    outbox = Outbox(options.retry_first, subjects=(*WRITERS, "links"))
    accounts, receipts = Accounts(ACCOUNT_DEFAULTS), Receipts(outbox, WRITERS)
    return Core(options, CallLog(), Troubles(), accounts, outbox, receipts)


async def serve(ports: Ports, options: Options, folder: Path) -> None:
    """Print one line of JSON when the sandbox is ready, and end at SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    core = new_core(options)
    pem, context = certificate.make(folder)
    gateway = cmpp.Gateway(core)
    listening = await _listen(core, ports, context, gateway)
    about = {"certificate": str(pem)} | {
        f"{name}_port": _port(server) for name, server in listening.items()
    }
    app = _application(core, about, pem.read_text(), gateway)
    runner = await _serve_http(app, options.host, ports.http)
    about["http_port"] = runner.addresses[0][1]
    sending = asyncio.create_task(core.receipts.run())
    sending.add_done_callback(lambda task: stop.set())
    print(json.dumps(about), flush=True)
    await stop.wait()
    for server in listening.values():
        server.close()
    await runner.cleanup()
    await core.outbox.close()
    sending.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await sending


async def _serve_http(app: web.Application, host: str, port: int) -> web.AppRunner:
    runner = web.AppRunner(
        app, access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner


async def _listen(
    core: Core, ports: Ports, context: ssl.SSLContext, gateway: cmpp.Gateway
) -> dict[str, asyncio.Server]:
    """Start the servers that do not speak HTTP."""
    servers = {
        name: await smtp.listen(core, name, getattr(ports, name), context)
        for name in ("smtp", "smtps", "starttls")
    }
    return {**servers, "cmpp": await gateway.listen(ports.cmpp)}


def _application(
    core: Core, about: dict[str, Any], pem: str, gateway: cmpp.Gateway
) -> web.Application:
    sms, life, work, chat = (
        jsms.Jsms(core),
        alipay.Alipay(core),
        wecom.WeCom(core),
        wechat.WeChat(core),
    )
    others = (
        jpush.JPush(core),
        chuanglan.Chuanglan(core),
        montnets.Montnets(core),
        dingtalk.DingTalk(core),
        ses.Ses(core),
    )
    providers = (sms, life, work, chat, *others)
    about["alipay_public_key"] = life.public_key
    app = web.Application(client_max_size=MAX_BODY)
    handshakes = {provider.name: provider.verify_webhook for provider in (sms, work, chat)}
    app.add_routes(Control(core, (*providers, gateway), handshakes, REPLIES, about, pem).routes())
    app.add_routes(gateway.routes())
    for provider in providers:
        app.add_subapp(f"/{provider.name}", application(provider, core.log))
    return app


def _port(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])

"""The OpenAPI document as one page to read: no script, no font, nothing from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

Json = Mapping[str, Any]

DEEPEST = 4  # levels of fields that a table shows

_STYLE = """
:root{color-scheme:light dark;--text:#1c2430;--soft:#5b6675;--line:#dde3ea;--back:#fff;--panel:#f6f8fa;--mark:#0b62c4}
@media(prefers-color-scheme:dark){:root{--text:#e3e8ee;--soft:#98a4b3;--line:#2c3541;--back:#11161d;--panel:#191f28;--mark:#6cb2ff}}
*{box-sizing:border-box}
body{margin:0;color:var(--text);background:var(--back);font:15px/1.55 system-ui,sans-serif}
a{color:var(--mark);text-decoration:none}a:hover{text-decoration:underline}
nav{position:fixed;inset:0 auto 0 0;width:19rem;overflow:auto;padding:1rem;border-right:1px solid var(--line)}
nav{background:var(--panel);font-size:13px}
nav ul{list-style:none;margin:0 0 .8rem;padding:0}nav li{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
nav b{display:block;margin-top:.4rem}
main{margin-left:19rem;padding:1.5rem 2.5rem;max-width:64rem}
h1{margin-top:0}h2{margin-top:3rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
section{margin:2rem 0;padding-top:.5rem}h3{margin:0 0 .3rem;font-size:1rem}h4{margin:1.1rem 0 .3rem;font-size:.85rem;color:var(--soft)}
code,pre{font:13px/1.45 ui-monospace,monospace}code{background:var(--panel);padding:0 .25em;border-radius:3px}
pre{background:var(--panel);border:1px solid var(--line);border-radius:6px;padding:.7rem;overflow:auto;margin:.3rem 0}
table{border-collapse:collapse;width:100%;font-size:14px}
td,th{text-align:left;vertical-align:top;padding:.25rem .7rem .25rem 0;border-bottom:1px solid var(--line)}
.verb{display:inline-block;min-width:3.6rem;font:600 11px/1.6 ui-monospace,monospace;color:var(--mark)}
.who{color:var(--soft);font-size:13px}.must{color:var(--mark)}
summary{cursor:pointer}
@media(max-width:60rem){nav{position:static;width:auto;border:0}main{margin:0;padding:1rem}td,td code{overflow-wrap:anywhere}}
"""

_WHO = {"channelKey": "channel key", "accessKey": "access key"}


def page(document: Json) -> str:
    """Of the whole document."""
    groups: dict[str, list[tuple[str, str, Json]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            groups.setdefault(operation["tags"][0], []).append((method.upper(), path, operation))
    told = {tag["name"]: tag["description"] for tag in document["tags"]}
    shown = {name: each for name, each in groups.items() if each}
    info = document["info"]
    schemas = document["components"]["schemas"]
    body = [_group(name, told.get(name, ""), each, schemas) for name, each in shown.items()]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f'<nav><a href="openapi.json">openapi.json</a>{"".join(map(_menu, shown.items()))}</nav>'
        f"<main><h1>{escape(info['title'])} API</h1>{text(info['description'])}{''.join(body)}</main></body></html>"
    )


def _menu(group: tuple[str, list[tuple[str, str, Json]]]) -> str:
    name, operations = group
    rows = (
        f'<li title="{escape(each["summary"])}"><a href="#{escape(each["operationId"])}">'
        f'<span class="verb">{method}</span>{escape(each["summary"])}</a></li>'
        for method, _, each in operations
    )
    return f"<b>{escape(name)}</b><ul>{''.join(rows)}</ul>"


def _group(name: str, told: str, operations: Iterable[tuple[str, str, Json]], schemas: Json) -> str:
    return f'<h2 id="tag-{escape(name)}">{escape(name)}</h2>{text(told)}' + "".join(
        _operation(*each, schemas) for each in operations
    )


def _operation(method: str, path: str, operation: Json, schemas: Json) -> str:
    who = (
        " or ".join(_WHO[name] for each in operation["security"] for name in each)
        or "no credentials"
    )
    parts = [
        f'<section id="{escape(operation["operationId"])}"><h3><span class="verb">{method}</span> <code>{escape(path)}</code></h3>',
        f'<p>{inline(operation["summary"])} <span class="who">— {escape(who)}</span></p>',
        text(operation.get("description", "")),
    ]
    if operation.get("parameters"):
        rows = "".join(_parameter(each) for each in operation["parameters"])
        parts.append(f"<h4>Parameters</h4><table>{rows}</table>")
    if "requestBody" in operation:
        parts += [
            "<h4>Body</h4>",
            *(_content(each, schemas) for each in operation["requestBody"]["content"].values()),
        ]
    parts.append(
        "<h4>Answers</h4>"
        + "".join(_answer(status, each, schemas) for status, each in operation["responses"].items())
    )
    return "".join(parts) + "</section>"


def _parameter(each: Json) -> str:
    must = '<span class="must">required</span>' if each.get("required") else "optional"
    kind = _kind(each["schema"], {})
    return (
        f"<tr><td><code>{escape(each['name'])}</code></td><td>{escape(each['in'])}, {kind}</td><td>{must}</td>"
        f"<td>{inline(each.get('description', ''))}</td></tr>"
    )


def _answer(status: str, answer: Json, schemas: Json) -> str:
    content = (
        "".join(_content(each, schemas) for each in answer.get("content", {}).values())
        if status < "3"
        else ""
    )
    told = answer["description"]
    if "|---|" in told or content:
        return f"<details><summary><b>{status}</b></summary>{text(told)}{content}</details>"
    return f"<p><b>{status}</b> {inline(told)}</p>"


def _content(content: Json, schemas: Json) -> str:
    rows = "".join(_fields(content["schema"], schemas, "", 0, ()))
    table = f"<table>{rows}</table>" if rows else ""
    example = (
        f"<pre>{escape(json.dumps(content['example'], ensure_ascii=False, indent=2))}</pre>"
        if "example" in content
        else ""
    )
    return table + example


def _fields(
    schema: Json, schemas: Json, prefix: str, level: int, seen: tuple[str, ...]
) -> Iterable[str]:
    """One row per field, those of inner objects too, each with its whole name: `option.sendno`."""
    name, found = _resolved(schema, schemas)
    if name in seen or level > DEEPEST:
        return
    inner = (*seen, name) if name else seen
    for field, value in found.get("properties", {}).items():
        must = (
            '<span class="must">required</span>'
            if field in found.get("required", ())
            else "optional"
        )
        whole = f"{prefix}{field}"
        told = inline(value.get("description", ""))
        yield f"<tr><td><code>{escape(whole)}</code></td><td>{_kind(value, schemas)}</td><td>{must}</td><td>{told}</td></tr>"
        yield from _fields(value, schemas, f"{whole}.", level + 1, inner)
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(found.get(key), Mapping):
            yield from _fields(
                found[key], schemas, prefix.removesuffix(".") + mark + ".", level + 1, inner
            )
    for each in (*found.get("anyOf", ()), *found.get("allOf", ())):
        yield from _fields(each, schemas, prefix, level, inner)


def _resolved(schema: Json, schemas: Json) -> tuple[str, Json]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return (name, schemas[name]) if name in schemas else ("", schema)


def _kind(schema: Json, schemas: Json) -> str:
    """What may stand there, in a few words."""
    _, found = _resolved(schema, schemas)
    if "anyOf" in found:
        return " or ".join(dict.fromkeys(_kind(each, schemas) for each in found["anyOf"]))
    if "enum" in found or "const" in found:
        return ", ".join(
            f"<code>{escape(json.dumps(each))}</code>"
            for each in found.get("enum", [found.get("const")])
        )
    kind = found.get("type", "anything")
    if kind == "array":
        kind = f"list of {_kind(found.get('items', {}), schemas)}"
        return kind + _limits(found, "minItems", "maxItems")
    shown = {"string": "text", "boolean": "true or false"}.get(kind, str(kind))
    return (
        escape(shown)
        + _limits(found, "minLength", "maxLength")
        + _limits(found, "minimum", "maximum")
    )


def _limits(schema: Json, least: str, most: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    return f" ({low if low is not None else ''}–{high if high is not None else ''})"


def inline(told: str) -> str:
    """A line of a description: escaped, with `code` marked."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(told))


def text(told: str) -> str:
    """Paragraphs and tables of a description."""
    blocks = []
    for block in filter(None, re.split(r"\n\n+", told)):
        lines = block.splitlines()
        if lines[0].startswith("|") and len(lines) > 1:
            rows = [
                [inline(cell.strip()) for cell in line.strip("|").split("|")]
                for line in (lines[0], *lines[2:])
            ]
            head, *rest = rows
            cells = "".join(
                f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rest
            )
            blocks.append(
                f"<table><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr>{cells}</table>"
            )
        else:
            blocks.append(f"<p>{inline(block)}</p>")
    return "".join(blocks)

"""The OpenAPI document as one HTML page, without scripts, fonts, or anything from elsewhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

Json = Mapping[str, Any]

DEEPEST = 4  # levels of fields that a table shows

_STYLE = """
:root{color-scheme:light dark;--text:#1c2430;--soft:#5b6675;--line:#dde3ea;
 --back:#fff;--panel:#f6f8fa;--mark:#0b62c4}
@media(prefers-color-scheme:dark){:root{--text:#e3e8ee;--soft:#98a4b3;--line:#2c3541;
 --back:#11161d;--panel:#191f28;--mark:#6cb2ff}}
*{box-sizing:border-box}
body{margin:0;color:var(--text);background:var(--back);font:15px/1.55 system-ui,sans-serif}
a{color:var(--mark);text-decoration:none}a:hover{text-decoration:underline}
nav{position:fixed;inset:0 auto 0 0;width:19rem;overflow:auto;padding:1rem}
nav{border-right:1px solid var(--line);background:var(--panel);font-size:13px}
nav ul{list-style:none;margin:0 0 .8rem;padding:0}
nav li{white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
nav b{display:block;margin-top:.4rem}
main{margin-left:19rem;padding:1.5rem 2.5rem;max-width:64rem}
h1{margin-top:0}h2{margin-top:3rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
section{margin:2rem 0;padding-top:.5rem}h3{margin:0 0 .3rem;font-size:1rem}
h4{margin:1.1rem 0 .3rem;font-size:.85rem;color:var(--soft)}
code,pre{font:13px/1.45 ui-monospace,monospace}
code{background:var(--panel);padding:0 .25em;border-radius:3px}
pre{background:var(--panel);border:1px solid var(--line);border-radius:6px}
pre{padding:.7rem;overflow:auto;margin:.3rem 0}
table{border-collapse:collapse;width:100%;font-size:14px}
td,th{text-align:left;vertical-align:top;padding:.25rem .7rem .25rem 0}
td,th{border-bottom:1px solid var(--line)}
.verb{display:inline-block;min-width:3.6rem;color:var(--mark)}
.verb{font:600 11px/1.6 ui-monospace,monospace}
.who{color:var(--soft);font-size:13px}.must{color:var(--mark)}
summary{cursor:pointer}
@media(max-width:60rem){nav{position:static;width:auto;border:0}
 main{margin:0;padding:1rem}td,td code{overflow-wrap:anywhere}}
"""

_CREDENTIALS = {"channelKey": "channel key", "accessKey": "access key"}


class Operation(NamedTuple):
    """An operation of the document, with its method and path."""

    method: str
    path: str
    described: Json


def page(document: Json) -> str:
    """Return the HTML of a whole document."""
    tags = {tag["name"]: tag["description"] for tag in document["tags"]}
    groups: dict[str, list[Operation]] = {name: [] for name in tags}
    for path, methods in document["paths"].items():
        for method, described in methods.items():
            operation = Operation(method.upper(), path, described)
            groups.setdefault(described["tags"][0], []).append(operation)
    info, schemas = document["info"], document["components"]["schemas"]
    title = escape(info["title"])
    menus = [_menu(name, operations) for name, operations in groups.items() if operations]
    sections = [
        _group(name, tags.get(name, ""), operations, schemas)
        for name, operations in groups.items()
        if operations
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{title} API</title><style>{_STYLE}</style></head><body>"
        f'<nav><a href="openapi.json">openapi.json</a>{"".join(menus)}</nav>'
        f"<main><h1>{title} API</h1>{text(info['description'])}{''.join(sections)}</main>"
        "</body></html>"
    )


def _menu(name: str, operations: Sequence[Operation]) -> str:
    rows = []
    for operation in operations:
        summary = escape(operation.described["summary"])
        target = escape(operation.described["operationId"])
        verb = f'<span class="verb">{operation.method}</span>'
        rows.append(f'<li title="{summary}"><a href="#{target}">{verb}{summary}</a></li>')
    return f"<b>{escape(name)}</b><ul>{''.join(rows)}</ul>"


def _group(name: str, description: str, operations: Iterable[Operation], schemas: Json) -> str:
    sections = "".join(_operation(operation, schemas) for operation in operations)
    return f'<h2 id="tag-{escape(name)}">{escape(name)}</h2>{text(description)}{sections}'


def _operation(operation: Operation, schemas: Json) -> str:
    method, path, described = operation
    keys = [_CREDENTIALS[name] for option in described["security"] for name in option]
    who = escape(" or ".join(keys) or "no credentials")
    parts = [
        f'<section id="{escape(described["operationId"])}">',
        f'<h3><span class="verb">{method}</span> <code>{escape(path)}</code></h3>',
        f'<p>{inline(described["summary"])} <span class="who">— {who}</span></p>',
        text(described.get("description", "")),
    ]
    if described.get("parameters"):
        rows = "".join(_parameter(parameter) for parameter in described["parameters"])
        parts.append(f"<h4>Parameters</h4><table>{rows}</table>")
    if "requestBody" in described:
        contents = described["requestBody"]["content"].values()
        parts += ["<h4>Body</h4>", *(_content(content, schemas) for content in contents)]
    parts.append("<h4>Answers</h4>")
    parts += [_answer(status, answer, schemas) for status, answer in described["responses"].items()]
    return "".join(parts) + "</section>"


def _parameter(parameter: Json) -> str:
    type_ = f"{escape(parameter['in'])}, {_type(parameter['schema'], {})}"
    return _row(parameter["name"], type_, parameter.get("required", False), parameter)


def _row(name: str, type_: str, required: bool, described: Json) -> str:
    must = '<span class="must">required</span>' if required else "optional"
    description = inline(described.get("description", ""))
    cells = (f"<code>{escape(name)}</code>", type_, must, description)
    return f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def _answer(status: str, answer: Json, schemas: Json) -> str:
    contents = answer.get("content", {}).values() if status < "3" else ()
    shown = "".join(_content(content, schemas) for content in contents)
    description = answer["description"]
    if "|---|" in description or shown:
        summary = f"<summary><b>{status}</b></summary>"
        return f"<details>{summary}{text(description)}{shown}</details>"
    return f"<p><b>{status}</b> {inline(description)}</p>"


def _content(content: Json, schemas: Json) -> str:
    rows = "".join(_fields(content["schema"], schemas, "", 0, ()))
    table = f"<table>{rows}</table>" if rows else ""
    if "example" not in content:
        return table
    example = escape(json.dumps(content["example"], ensure_ascii=False, indent=2))
    return f"{table}<pre>{example}</pre>"


def _fields(
    schema: Json, schemas: Json, prefix: str, level: int, seen: tuple[str, ...]
) -> Iterator[str]:
    """Yield a row per field, also those of inner objects, with its full name: `option.sendno`."""
    name, resolved = _resolved(schema, schemas)
    if name in seen or level > DEEPEST:
        return
    inner = (*seen, name) if name else seen
    for field, value in resolved.get("properties", {}).items():
        required = field in resolved.get("required", ())
        yield _row(f"{prefix}{field}", _type(value, schemas), required, value)
        yield from _fields(value, schemas, f"{prefix}{field}.", level + 1, inner)
    for key, mark in (("items", "[]"), ("additionalProperties", ".*")):
        if isinstance(resolved.get(key), Mapping):
            of_items = prefix.removesuffix(".") + mark + "."
            yield from _fields(resolved[key], schemas, of_items, level + 1, inner)
    for option in (*resolved.get("anyOf", ()), *resolved.get("allOf", ())):
        yield from _fields(option, schemas, prefix, level, inner)


def _resolved(schema: Json, schemas: Json) -> tuple[str, Json]:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return (name, schemas[name]) if name in schemas else ("", schema)


def _type(schema: Json, schemas: Json) -> str:
    """Describe the type of a value in a few words."""
    _, resolved = _resolved(schema, schemas)
    if "anyOf" in resolved:
        options = (_type(option, schemas) for option in resolved["anyOf"])
        return " or ".join(dict.fromkeys(options))
    if "enum" in resolved or "const" in resolved:
        values = resolved.get("enum", [resolved.get("const")])
        return ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
    name = str(resolved.get("type", "anything"))
    if name == "array":
        items = _type(resolved.get("items", {}), schemas)
        return f"list of {items}{_limits(resolved, 'minItems', 'maxItems')}"
    shown = {"string": "text", "boolean": "true or false"}.get(name, name)
    length = _limits(resolved, "minLength", "maxLength")
    return escape(shown) + length + _limits(resolved, "minimum", "maximum")


def _limits(schema: Json, least: str, most: str) -> str:
    low, high = schema.get(least), schema.get(most)
    if low is None and high is None:
        return ""
    return f" ({low if low is not None else ''}–{high if high is not None else ''})"


def inline(description: str) -> str:
    """Escape one line of a description, and mark its `code`."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(description))


def text(description: str) -> str:
    """Return the paragraphs and tables of a description."""
    blocks = [block for block in re.split(r"\n\n+", description) if block]
    return "".join(
        _table(block) if block.startswith("|") and "\n" in block else f"<p>{inline(block)}</p>"
        for block in blocks
    )


def _table(block: str) -> str:
    """Return a table of Markdown as HTML. The second line of `block` is a ruler."""
    head, _, *lines = block.splitlines()
    rows = "".join(f"<tr>{_cells(line, 'td')}</tr>" for line in lines)
    return f"<table><tr>{_cells(head, 'th')}</tr>{rows}</table>"


def _cells(line: str, tag: str) -> str:
    cells = (inline(cell.strip()) for cell in line.strip("|").split("|"))
    return "".join(f"<{tag}>{cell}</{tag}>" for cell in cells)

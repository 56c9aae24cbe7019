"""Columns of an imported file, named as in the sender guides of UMS.

Examples are `phone[all]`, `app_regid[<code>]` and `tag[<channel key>]`. A row becomes the body of
`/v1/user/opt` for one user, and is checked like it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain.delivery_channels import ChannelType
from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import Doubtful, Fault, Faulty, ImportKind, Several
from chalicelib.domain.masks import is_like_contact
from chalicelib.domain.users import ALL
from chalicelib.domain.values import frozen
from chalicelib.manage import users
from chalicelib.ports import World

USERID, TAG = "userid", "tag"
CONTACTS = ("phone", "email")  # columns of files of contacts
OF_CONTACTS = (ImportKind.LIST, ImportKind.SUPPRESSIONS)
NOBODY = "-"  # the user of a row of contacts: the row is read as a user's, and no user is changed
SEVERAL = re.compile("[;；]")  # between the values of one cell

_HEADER = re.compile(r"([a-z_]+)(?:\[([A-Za-z0-9_-]{1,64})\])?", re.ASCII | re.IGNORECASE)
_NAME = re.compile(r"[^\d@\[\0]+(?:\[.*)?", re.DOTALL)
# Spreadsheets save long numbers in csv so.
_SHORTENED = re.compile(r"-?[0-9](?:[.,][0-9]+)?E\+[0-9]{2,3}", re.ASCII | re.IGNORECASE)
# Excel writes errors so in each language, and # where a column was too narrow.
_ERRORS = re.compile(r"#(?:N/A|VALUE!|REF!|DIV/0!|NUM!|NAME\?|NULL!|SPILL!|CALC!|#{2,})")
_LONGEST = 100  # characters of a header that a reason quotes
_NAMES = {
    "phone": ChannelType.SMS,
    "email": ChannelType.EMAIL,
    "app_regid": ChannelType.APP,
    "wechatoa_openid": ChannelType.WECHATOA,
    "wechatmp_openid": ChannelType.WECHATMP,
    "alipaylife_userid": ChannelType.ALIPAY_LIFE,
    "dingtalkcc_userid": ChannelType.DINGTALK_CC,
    "wechatwk_userid": ChannelType.WECHATWK,
    "wechatwk_linkedcorp": ChannelType.WECHATWK_LINKEDCORP,
}
_OTHER_NAMES = {"alipaylife": ChannelType.ALIPAY_LIFE, "dingtalkcc": ChannelType.DINGTALK_CC}
KINDS: Mapping[str, ChannelType] = {
    **{kind.value: kind for kind in ChannelType},
    **_OTHER_NAMES,
    **_NAMES,
}
_MANY = frozenset({ChannelType.APP, ChannelType.WECHATWK_LINKEDCORP})
_FOR_ALL = frozenset(
    {ChannelType.DINGTALK_CC, ChannelType.WECHATWK, ChannelType.WECHATWK_LINKEDCORP}
)


@frozen
class Column:
    """A column and its field in the body: `userid`, `tag`, or a contact of `/v1/user/opt`."""

    header: str
    field: str
    contact: ChannelType | None = None
    bind: str = ""  # empty for a value without a scope
    is_many: bool = False

    @property
    def path(self) -> str:
        return f"{self.field}.{self.bind}" if self.bind else self.field


@frozen
class Columns:
    kind: ImportKind
    columns: Sequence[Column]

    def userid(self, cells: Sequence[str]) -> str:
        """Return the user of a row, or an empty text in a file of contacts."""
        return next((cell for column, cell in self._cells(cells) if column.field == USERID), "")

    @property
    def is_of_contacts(self) -> bool:
        """The rows are contacts, and not users."""
        return self.kind in OF_CONTACTS and any(column.contact for column in self.columns)

    def faults(self, cells: Sequence[str]) -> Sequence[Faulty]:
        """Return the faults of a row that the checks of a user cannot find.

        Examples are an error of a spreadsheet, a shortened number and a surplus cell.
        """
        of_cells = [(column.header, _fault(cell)) for column, cell in self._cells(cells)]
        is_first = iter([True])  # of the cells that are missing: one error says it
        faults = [
            Faulty(header, fault)
            for header, fault in of_cells
            if fault is not None and (fault is not Fault.MISSING or next(is_first, False))
        ]
        surplus = [n for n, cell in enumerate(cells, 1) if n > len(self.columns) and cell]
        if surplus:
            faults.append(Faulty(f"column {surplus[0]}", Fault.SURPLUS, most=len(self.columns)))
        return faults

    def body(self, cells: Sequence[str]) -> dict[str, Any]:
        """Return the body of a row without its empty cells, and without those that have faults."""
        body: dict[str, Any] = {}
        for column, cell in self._cells(cells):
            if (not cell and column.field != USERID) or _fault(cell) is not None:
                continue
            value: Any = cell
            if column.is_many:
                value = [part.strip() for part in SEVERAL.split(cell) if part.strip()]
            if column.bind:
                body.setdefault(column.field, {})[column.bind] = value
            else:
                body[column.field] = value
        return body if self.kind is ImportKind.USERS else _adding(body)

    def _cells(self, cells: Sequence[str]) -> list[tuple[Column, str]]:
        return [
            (column, cells[n] if n < len(cells) else "") for n, column in enumerate(self.columns)
        ]

    def header(self, field: str) -> str:
        """Return the header of the column of a body's field, else the field itself."""
        path = re.sub(r"\[\d+\]$", "", field).removeprefix("add.").removeprefix("set.")
        return next((column.header for column in self.columns if column.path == path), field)

    def place(self, error: Invalid) -> int:
        """Return the position of an error's column. Errors of the whole row come last."""
        headers = [column.header for column in self.columns]
        header = self.header(error.field)
        return headers.index(header) if header in headers else len(headers)


def _fault(cell: str) -> Fault | None:
    if isinstance(cell, Doubtful):
        return cell.fault
    if _SHORTENED.fullmatch(cell):
        return Fault.SCIENTIFIC
    if _ERRORS.fullmatch(cell):
        return Fault.ERROR
    if "\0" in cell:
        return Fault.NUL
    return Fault.REPLACED if "\ufffd" in cell else None


def _adding(body: dict[str, Any]) -> dict[str, Any]:
    return {USERID: body.pop(USERID, NOBODY), **({"add": body} if body else {})}


def read(world: World, kind: ImportKind, header: Sequence[str]) -> Columns:
    """Read a header. Raise Several with all columns that are unknown, ambiguous or missing."""
    columns: list[Column] = []
    errors: list[Invalid] = []
    paths: set[str] = set()
    is_header = any(name.lower() == USERID for name in header)
    for number, name in enumerate(header, 1):
        try:
            column = _column(world, kind, name, f"column {number}", is_header)
            if column.path in paths:
                raise Faulty(column.header, Fault.DUPLICATE_COLUMN)
            if column.bind:
                users.check_scope(world, None, column.header, column.contact, column.bind)
        except Invalid as error:
            errors.append(error)
            continue
        paths.add(column.path)
        columns.append(column)
    needed = CONTACTS if kind is ImportKind.SUPPRESSIONS else (USERID,)
    if not _has_key(kind, columns) and not any(e.field.lower() in needed for e in errors):
        errors.append(Faulty(needed[0], Fault.MISSING_COLUMN))
    if kind is ImportKind.LIST and len({column.field == USERID for column in columns}) > 1:
        errors.append(Faulty(USERID, Fault.BESIDE_CONTACTS))
    if errors:
        raise Several(errors)
    return Columns(kind, columns)


def _has_key(kind: ImportKind, columns: Sequence[Column]) -> bool:
    """Tell if the columns name users or, in a file of contacts, contacts."""
    is_key = (
        column.field == USERID or (kind in OF_CONTACTS and column.contact) for column in columns
    )
    return any(is_key)


def _column(world: World, kind: ImportKind, header: str, place: str, is_header: bool) -> Column:
    """Read one name of a header. Raise Invalid, which quotes only what may be a name.

    In a file without a header, other texts are somebody's name and contacts.
    """
    if isinstance(header, Doubtful):
        raise Faulty(place, header.fault)
    matched = _HEADER.fullmatch(header)
    name, bind = (matched.group(1).lower(), matched.group(2) or "") if matched else ("", "")
    shown = place if is_like_contact(bind if matched else header) else header[:_LONGEST]
    if name in CONTACTS and not bind and kind in OF_CONTACTS:
        return Column(shown, name, KINDS[name], ALL)
    if name == USERID and not bind and kind is not ImportKind.SUPPRESSIONS:
        return Column(shown, USERID)
    if name == TAG and kind in (ImportKind.USERS, ImportKind.TAGS):
        return Column(shown, TAG, None, bind or ALL, is_many=True)
    if name in KINDS and kind is ImportKind.USERS:
        return _contact(world, shown, KINDS[name], bind)
    is_quotable = is_header and _NAME.fullmatch(header)
    raise Faulty(shown if is_quotable else place, Fault.UNKNOWN_COLUMN, kind=kind)


def _contact(world: World, header: str, kind: ChannelType, bind: str) -> Column:
    field = "phone" if kind is ChannelType.SMS else kind.value
    if kind in _FOR_ALL:
        if bind not in ("", ALL):
            raise Faulty(header, Fault.SCOPE_NOT_NEEDED)
        return Column(header, field, kind, is_many=kind in _MANY)
    if not bind and kind.bound_by_code:
        codes = [channel.code for channel in world.settings.channels() if channel.type is kind]
        if len(codes) != 1:
            raise Faulty(header, Fault.CODE_NEEDED)
        bind = codes[0]
    return Column(header, field, kind, bind or ALL, is_many=kind in _MANY)


def template(
    kind: ImportKind, codes: Mapping[ChannelType, Sequence[str]]
) -> Sequence[Sequence[str]]:
    """Return a header and a row of examples. `codes` are the delivery channels by type."""
    if kind is ImportKind.SUPPRESSIONS:
        return [CONTACTS, ["13800138000", "zhangsan@example.com"]]
    if kind in (ImportKind.SEGMENT, ImportKind.LIST):
        return [[USERID], ["zhangsan"]]
    if kind is ImportKind.TAGS:
        return [[USERID, "tag[all]"], ["zhangsan", "vip;beijing"]]
    columns = {USERID: "zhangsan", "tag[all]": "vip;beijing"}
    for name, contact in _NAMES.items():
        columns |= dict.fromkeys(
            _headers(name, contact, codes.get(contact, ())), _EXAMPLES[contact]
        )
    return [list(columns), list(columns.values())]


def _headers(name: str, kind: ChannelType, codes: Sequence[str]) -> Sequence[str]:
    if kind.bound_by_code:
        return [f"{name}[{code}]" for code in codes]
    return [name] if kind in _FOR_ALL else [f"{name}[{ALL}]"]


_EXAMPLES = {
    ChannelType.SMS: "13800138000",
    ChannelType.EMAIL: "zhangsan@example.com",
    ChannelType.APP: "1104a89792bbb69299a;191e35f7e0fb16c7d45",
    ChannelType.WECHATOA: "oA1b2C3d4E5f6G7h8",
    ChannelType.WECHATMP: "oX1y2Z3a4B5c6D7e8",
    ChannelType.ALIPAY_LIFE: "2088102122458832",
    ChannelType.DINGTALK_CC: "manager4220",
    ChannelType.WECHATWK: "ZhangSan",
    ChannelType.WECHATWK_LINKEDCORP: "CorpId1/userid1;CorpId2/userid2",
}

"""Texts of files and rows that an import refuses: the reason, and advice, in both languages.

errors.py has the texts of requests. These texts stand in an import and in its file of bad rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chalicelib.domain.errors import Invalid
from chalicelib.domain.imports import Fault, Faulty, Translated
from chalicelib.entrypoints.http.language import Language, Text
from chalicelib.entrypoints.http.sentences import text_of

HEADINGS: Mapping[Language, Sequence[str]] = {
    Language.ENGLISH: ("row", "column", "value", "advice"),
    Language.CHINESE: ("行", "列", "值", "原因与建议"),
}

_NONE = Text("")
_AS_TEXT = Text(
    ": format the column as text and enter the value anew", "：请将该列设为文本格式后重新填写"
)
_AS_XLSX = Text(': save it as "Excel Workbook (.xlsx)"', "：请另存为「Excel 工作簿（.xlsx）」")
_DIVIDE = Text(": divide it", "：请拆分文件")


def _text(english: str, chinese: str, advice: Text = _NONE) -> Text:
    return Text(english + advice.english, chinese + advice.chinese)


TEXTS: Mapping[Fault, Text] = {
    Fault.EMPTY: _text("is empty", "文件为空"),
    Fault.GONE: _text(
        "is not there any more, or was replaced after the start: begin a new import",
        "文件已不存在，或在开始后被替换：请重新导入",
    ),
    Fault.CRASHED: _text(
        "processing crashed {tries} times at row {row}; the file may need too much memory",
        "在第 {row} 行处理失败 {tries} 次，文件可能过大",
    ),
    Fault.NOT_A_WORKBOOK: _text("not an .xlsx file", "不是 .xlsx 文件", _AS_XLSX),
    Fault.UNREADABLE: _text(
        "not a readable .xlsx file: open it in a spreadsheet program and save it anew",
        "无法读取该 .xlsx 文件：请用表格软件打开并重新保存",
    ),
    Fault.OLD_WORKBOOK: _text("is an old .xls file", "是旧版 .xls 文件", _AS_XLSX),
    Fault.OPEN_DOCUMENT: _text("is an .ods file", "是 .ods 文件", _AS_XLSX),
    Fault.BINARY_WORKBOOK: _text(
        "is a binary workbook (.xlsb)", "是二进制工作簿（.xlsb）", _AS_XLSX
    ),
    Fault.ENCRYPTED: _text(
        "is password-protected: save it without a password", "设有密码：请去除密码后重新保存"
    ),
    Fault.IS_A_WORKBOOK: _text(
        "is a workbook, not a .csv file: begin an import of the format xlsx",
        "是工作簿而不是 .csv 文件：请以 xlsx 格式重新导入",
    ),
    Fault.NO_VISIBLE_SHEET: _text(
        "has only hidden sheets: unhide the one to import", "所有工作表均被隐藏：请取消隐藏"
    ),
    Fault.MANY_ROWS: _text("has more than {most} rows", "超过 {most} 行", _DIVIDE),
    Fault.MANY_COLUMNS: _text("has more than {most} columns", "超过 {most} 列", _DIVIDE),
    Fault.MANY_CHARACTERS: _text("has more than {most} characters", "超过 {most} 个字符", _DIVIDE),
    Fault.MANY_PARTS: _text("has more than {most} parts", "超过 {most} 个部件", _DIVIDE),
    Fault.MANY_BYTES: _text(
        "has more than {most} bytes when it is unpacked", "解压后超过 {most} 字节", _DIVIDE
    ),
    Fault.MANY_TAGS: _text("has more than {most} XML tags", "超过 {most} 个 XML 标签", _DIVIDE),
    Fault.ENCODING: _text(
        'has an uncertain encoding: save it as "CSV UTF-8"',
        "无法确定文件编码：请另存为「CSV UTF-8」",
    ),
    Fault.OPEN_QUOTE: _text(
        "row {row} has a quotation mark that is not closed, or is not doubled within a cell",
        "第 {row} 行的引号未闭合，或单元格内的引号未双写",
    ),
    Fault.LONG_CELL: _text("row {row} has a cell that is too long", "第 {row} 行有单元格过长"),
    Fault.UNKNOWN_COLUMN: _text(
        'unknown column for an import of kind "{kind}"', "不是「{kind}」类导入的列"
    ),
    Fault.DUPLICATE_COLUMN: _text("duplicate column", "列重复"),
    Fault.MISSING_COLUMN: _text("there is no such column", "缺少该列"),
    Fault.HIDDEN_COLUMN: _text(
        "is hidden, and only what you see is imported: unhide or delete it",
        "该列被隐藏，仅导入可见内容：请取消隐藏或删除",
    ),
    Fault.SCOPE_NOT_NEEDED: _text(
        "is the same for all access channels: leave out what stands in brackets",
        "对所有渠道相同：请去掉方括号及其内容",
    ),
    Fault.CODE_NEEDED: _text(
        "needs the code of a delivery channel in brackets", "需要在方括号中注明通道代码"
    ),
    Fault.BESIDE_CONTACTS: _text(
        "must not stand beside phone or email: divide the file by columns",
        "不能与 phone 或 email 列同时使用：请按列拆分文件",
    ),
    Fault.SURPLUS: _text(
        "the row has more cells than the {most} columns:"
        " put quotation marks around a cell with a comma",
        "单元格多于 {most} 列：含逗号的内容请加引号",
    ),
    Fault.MISSING: _text(
        "the row ends before this column: leave cells empty, but keep the commas",
        "该行缺少此列：空单元格也须保留逗号",
    ),
    Fault.HIDDEN_ROW: _text(
        "the row is hidden or filtered out, and only what you see is imported: unhide or delete it",
        "该行被隐藏或被筛选掉，仅导入可见内容：请取消隐藏或删除",
    ),
    Fault.MERGED: _text(
        "is part of a merged cell: unmerge it and fill each row",
        "属于合并单元格：请取消合并并逐行填写",
    ),
    Fault.REPEATED: _text("stands in row {row} already", "已出现在第 {row} 行"),
    Fault.DATE: _text("is a date or a time", "是日期或时间", _AS_TEXT),
    Fault.DECIMALS: _text("is a number with decimals", "是小数", _AS_TEXT),
    Fault.PERCENT: _text("is a percentage", "是百分比", _AS_TEXT),
    Fault.CURRENCY: _text("is an amount of money", "是货币金额", _AS_TEXT),
    Fault.FRACTION: _text("is a fraction", "是分数", _AS_TEXT),
    Fault.SCIENTIFIC: _text(
        "is a number of which the spreadsheet kept 15 digits at most, or wrote fewer",
        "是科学计数法，表格只保留至多 15 位数字或更少",
        _AS_TEXT,
    ),
    Fault.FORMAT: _text(
        "has a format that shows it otherwise than it is stored", "显示内容与存储内容不同", _AS_TEXT
    ),
    Fault.DIGITS: _text(
        "is a number of more than 15 digits, of which the spreadsheet lost the rest",
        "超过 15 位数字，表格已丢失其余位数",
        _AS_TEXT,
    ),
    Fault.TRUTH: _text("is TRUE or FALSE, not a text", "是逻辑值而不是文本", _AS_TEXT),
    Fault.ERROR: _text(
        "is an error of a formula, or a number wider than its column: mend it",
        "是公式错误，或列宽不足以显示数字：请修正",
    ),
    Fault.FORMULA: _text(
        "is a formula without a stored value: open the file in a spreadsheet program and save it,"
        " or paste values",
        "公式没有保存结果：请用表格软件打开并保存，或粘贴为数值",
    ),
    Fault.NUL: _text("has a NUL character: enter it anew", "含有 NUL 字符：请重新填写"),
    Fault.REPLACED: _text(
        "has a character that an earlier conversion lost (U+FFFD): enter it anew",
        "含有转换时丢失的字符（U+FFFD）：请重新填写",
    ),
    Fault.NOT_LISTED: _text(
        "{number} further bad rows are not listed: mend these first",
        "另有 {number} 个错误行未列出：请先修正以上各行",
    ),
}


def say(error: Invalid, language: str) -> str:
    """Return the reason of an error, with advice, in a language."""
    return _reason(error).in_language(Language(language))


def heading(language: str) -> Sequence[str]:
    return HEADINGS[Language(language)]


def _reason(error: Invalid) -> Text:
    if isinstance(error, Faulty):
        values = {name: str(value) for name, value in error.values.items()}
        return Text(*(text.format_map(values) for text in TEXTS[error.fault]))
    if isinstance(error, Translated):
        return Text(error.reason, error.chinese)
    return text_of(error.reason)

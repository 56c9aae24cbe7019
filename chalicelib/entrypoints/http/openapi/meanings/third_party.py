"""Fields of third-party templates and signatures."""

from __future__ import annotations

_ID = "Provider's own id of the template or signature."
_TEXT = "Text for the provider's review. `{{name}}` is a variable."

FIELDS = {
    "Check.made": "Provider's id of the template or signature that was made, or null.",
    "Platform.templates": "True if its accounts register templates that can be kept here.",
    "Preview.texts": "Texts that people see by the third-party templates, by channel type.",
    "ThirdParty.id": _ID,
    "ThirdParty.code": "Code of the delivery channel.",
    "ThirdParty.kind": "Template `message`, `notice` for subscribers, `text` of SMS, or"
    " `signature`.",
    "ThirdParty.title": "Title. Of a signature: its text.",
    "ThirdParty.text": "Text with its fields, as the provider shows it.",
    "ThirdParty.state": "`normal`, `invalid` (the provider no longer has it), or `unknown` (nobody"
    " has asked the account that the delivery channel has now).",
    "ThirdParty.reason": "Reason why the provider's review refused it.",
    "ThirdParty.entered": "True if an operator copied it from the provider's pages.",
    "ThirdParty.seconds": "Seconds for which a verification code is good, 0 for none.",
    "ThirdParty.example": "Example of the provider.",
    "ThirdParty.category": "Category: of SMS `verification`, `notice` or `marketing`.",
    "ThirdParty.remark": "Remark for the provider's review.",
    "ThirdParty.review": "Provider's review: `approved`, `in_review` or `refused`.",
    "ThirdParty.fields": "Fields that a content must fill in.",
    "FieldShown.name": "Name in a content.",
    "FieldShown.kind": "Kind of its values, such as `thing`, or empty.",
    "FieldShown.label": "Words that stand before the value.",
    "FieldShown.limit": "Maximum characters, or null.",
    "FieldShown.rule": "Rule of the values of its kind.",
    "allowed": "Only texts that it may be, empty for any.",
    "actions": "Actions that the platform offers: `refresh`, `enter`, `import`, `create`, `change`,"
    " `delete`, `sync`, `keywords`, `choose`.",
    "ThirdPartyQuery.text": "Text in the title, the text or the id. Empty: all of them.",
    "TextBody.text": _TEXT,
    "TextBody.category": "Category: `verification`, `notice` or `marketing`.",
    "TextBody.seconds": "Seconds for which a verification code is good.",
    "remark": "Remark for the provider's review.",
    "SignatureBody.text": "Signature, without brackets.",
    "SignatureBody.type": "Provider's number of its origin: 1 company, 2 website, 3 app, 4 official"
    " account or mini-program, 5 shop, 6 trademark, 7 other. 0: not said.",
    "SignatureBody.images": "Images of certificates in base64: PNG or JPEG, at most 4, and together"
    " at most 3,000,000 bytes.",
    "TemplateImport.id": _ID,
    "TemplateImport.title": "Title, where the provider cannot be asked.",
    "TemplateImport.text": "Text with the fields, as the provider's page shows it.",
    "SignatureImport.id": _ID,
    "KeywordChoice.keywords": "Numbers of keywords, in the order of the template.",
    "scene": "Purpose of the template, up to 15 characters.",
    "signatures": "Signatures of this page.",
    "titles": "Templates of the library on this page.",
    "synced": "Time at which the titles were synced last, in ms, or null.",
    "LibraryQuery.text": "Text in the title. Empty: every title.",
    "TitleShown.id": "Id in the library.",
    "TitleShown.title": "Title.",
    "long_term": "True if people subscribe once and for all.",
    "TitleShown.category": "Provider's number of its category.",
    "LibraryTemplate.keywords": "Keywords to choose from, or null until they were asked for.",
    "KeywordShown.name": "Words that stand before the value.",
    "KeywordShown.number": "Number, for choosing it.",
    "KeywordShown.example": "Example of a value.",
    "KeywordShown.kind": "Kind of its values, such as `thing`.",
}

"""Subjects as people write them in twenty languages, made the same each time."""

from __future__ import annotations

import random
from collections.abc import Iterator

_PHRASES = {
    "en": "Your order has been shipped|Invoice for March|Action required: renew your plan",
    "de": "Der Bericht für März ist fertig|Übersicht anbei|Größe prüfen",
    "fr": "Votre commande a été expédiée|Déjà prêt à l’emploi|Où êtes-vous",
    "es": "¿Olvidó su contraseña?|Su pedido está en camino|Mañana habrá sesión",
    "pt": "Sua fatura já está disponível|Ação necessária|Promoção de verão",
    "it": "Il tuo ordine è partito|Perché non provi|Novità della città",
    "pl": "Twoje zamówienie zostało wysłane|Zażółć gęślą jaźń|Ważne",
    "cs": "Příliš žluťoučký kůň|Vaše objednávka|Změna hesla",
    "tr": "Siparişiniz yola çıktı|Şifrenizi değiştirin|Güncelleme",
    "vi": "Đơn hàng của bạn đã được gửi|Hóa đơn tháng này|Xin chào quý khách",
    "ru": "Ваш заказ отправлен|Счёт за март|Подтвердите адрес почты",
    "uk": "Ваше замовлення вже їде|Рахунок за січень|Її новини",
    "el": "Η παραγγελία σας|Λογαριασμός Μαρτίου|Επιβεβαίωση",
    "he": "ההזמנה שלך נשלחה|חשבונית|אישור כתובת",
    "ar": "تم شحن طلبك|فاتورة شهر مارس|تأكيد البريد",
    "hi": "आपका ऑर्डर भेज दिया गया है|मार्च का बिल|पुष्टि करें",
    "th": "คำสั่งซื้อของคุณถูกจัดส่งแล้ว|ใบแจ้งหนี้|ยืนยันอีเมล",
    "ja": "ご注文の商品を発送しました|三月分の請求書|メールアドレスの確認",
    "ko": "주문하신 상품이 발송되었습니다|3월 청구서|이메일 주소 확인",
    "zh": "您的订单已发货|三月账单|请验证您的邮箱地址|重要通知：系统维护",
}
_MARKS = (" – ", ": ", " | ", ", ", " ", " & ", "! ", " / ", "：", "，", " … ", "  ", " =? ", "")
_EXTRAS = (
    "#20394",
    "(v2.0)",
    "50% OFF",
    "🎉",
    "👩‍👩‍👧‍👦",
    "🇨🇳",
    "€1.299,00",
    "“OpenUMS”",
    "【通知】",
    "https://shop.example/a?b=c_d",
    "x" * 90,
    "e\u0301te\u0301",
    "\u00a0",
    "=?utf-8?q?x?=",
    "a_b=c?d",
    "?=",
)


def subjects(count: int = 150) -> Iterator[str]:
    """Yield subjects: alone in their language, with signs, and mixed with other languages."""
    chance = random.Random(2047)
    phrases = {language: texts.split("|") for language, texts in _PHRASES.items()}
    everything = [phrase for texts in phrases.values() for phrase in texts]
    for texts in phrases.values():
        yield from texts
        for _ in range(count):
            parts = [chance.choice(texts)]
            for _ in range(chance.randint(1, 5)):
                parts += [chance.choice(_MARKS), chance.choice((*texts, *_EXTRAS, *everything))]
            yield "".join(parts).strip(" ")

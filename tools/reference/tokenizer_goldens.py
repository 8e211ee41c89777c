# SPDX-License-Identifier: Apache-2.0
"""Trains two small tokenizers and writes what Hugging Face and ftfy make of many texts.

Writes into tests/data/tokenizer: <model>/spiece.model and tokenizer.json, ids.json and
cleaning.jsonl; and small inputs for the fuzz targets into the corpora. Needs the packages of
requirements.txt.

Usage: tokenizer_goldens.py tests/data/tokenizer tests/fuzz/tokenizer/corpus
"""
import html
import io
import json
import random
import re
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import ftfy
import sentencepiece
from tokenizers import AddedToken, Tokenizer
from transformers.convert_slow_tokenizer import T5Converter

SENTINELS = 20
MAX_TOKENS = 512
CLEANING_PAIRS = 10_000

# Words of many scripts; a sentence is drawn from one line.
VOCABULARIES = [
    "a the cat dog boxing glove ring spotlight stage ocean wave river forest mountain walks runs jumps flies slowly "
    "quickly under over beneath sunlight moonlight cinematic camera pans tracking shot golden hour macro lens "
    "two anthropomorphic cats in comfy gear fight intensely on a spotlighted stage highly detailed realistic 4k 1080p",
    "der die das Katze Hund Straße läuft schnell über Brücke Mädchen schöner Wald größer Fluss weiß grün müde Öl",
    "le la les chat chien forêt où élève garçon déjà vu naïve cœur hôtel l'été qu'il c'est à bientôt façade",
    "el la los gato perro niño mañana corazón río montaña ¿qué? ¡hola! pingüino camión árbol",
    "кошка собака бежит по лесу медленно солнце река гора красивый ёлка быстрый море ночь",
    "η γάτα τρέχει στο δάσος θάλασσα ουρανός γρήγορα ήλιος",
    "قطة كلب يجري في الغابة الشمس البحر جميل سريع",
    "חתול כלב רץ ביער שמש ים יפה",
    "बिल्ली कुत्ता जंगल में दौड़ता है सूरज नदी सुंदर",
    "แมว สุนัข วิ่ง ใน ป่า ทะเล ภูเขา กำลัง น้ำ",
    "mèo chó chạy trong rừng biển đẹp nhanh chậm ở dưới ánh sáng mặt trời",
    "🐱 🐶 🎬 🌊 🌅 ❤️ 👩‍🚀 👍🏽 🇯🇵 ✨ ✔ ½ № ™ © € 100% #1 @home",
]
CHINESE = "一只可爱的猫在森林里奔跑阳光透过树叶洒在地面上镜头缓慢推进画面充满电影感两只拟人化的猫穿着舒适的拳击装备在聚光灯舞台上激烈战斗海浪夕阳城市夜景雨中街道"
JAPANESE = "猫が森の中を走っているカメラがゆっくり動くネコ犬は速く走る美しい海と山の景色きれいな夕焼け"
KOREAN = "고양이가 숲속을 달린다 강아지 바다 산 아름다운 풍경 천천히 움직이는 카메라"


def training_text(rng: random.Random) -> list[str]:
    lines = []
    for _ in range(6000):
        words = rng.choice(VOCABULARIES).split()
        sentence = " ".join(rng.choices(words, k=rng.randint(3, 14)))
        lines.append(sentence + rng.choice([".", "!", "?", "...", ",", ""]))
        if rng.random() < 0.35:
            text = rng.choice([CHINESE, JAPANESE])
            start = rng.randrange(len(text) - 4)
            lines.append(text[start : start + rng.randint(2, 24)] + rng.choice("，。！？、") + rng.choice(["", "1080P"]))
        if rng.random() < 0.1:
            lines.append(" ".join(rng.choices(KOREAN.split(), k=5)))
        if rng.random() < 0.1:
            lines.append(rng.choice("!-.=*ha") * rng.randint(2, 9))
    return lines


def train(lines: list[str], **options) -> bytes:
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines), model_writer=out, model_type="unigram", pad_id=0, eos_id=1, bos_id=2, unk_id=3,
        num_threads=1, minloglevel=2, **options)  # fmt: skip
    return out.getvalue()


def convert(model_file: Path, byte_fallback: bool) -> Tokenizer:
    """The T5 converter of transformers, fed with the two attributes it asks a slow tokenizer for."""
    end_id = {"</s>": 1}
    slow = SimpleNamespace(vocab_file=str(model_file), _extra_ids=SENTINELS, convert_tokens_to_ids=end_id.get)
    converter = T5Converter(slow)
    converter.handle_byte_fallback = byte_fallback
    tokenizer = converter.converted()
    sentinels = [f"<extra_id_{number}>" for number in range(SENTINELS)]
    tokenizer.add_special_tokens([AddedToken(text, special=True, normalized=False) for text in ["<unk>", *sentinels]])
    return tokenizer


def without_merged_members(node: dict, patch: dict) -> dict:
    """RFC 7386, as the C++ test applies it."""
    out = dict(node)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(out.get(key), dict):
            out[key] = without_merged_members(out[key], value)
        else:
            out[key] = value
    return out


def added(token_id: int, content: str, **flags: bool) -> dict:
    base = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": token_id, "content": content, **base, **flags}


def flagged_tokens(charsmap_vocabulary: list) -> list[dict]:
    ids = {text: number for number, (text, _) in enumerate(charsmap_vocabulary)}
    first = ids["<extra_id_0>"]
    return [
        added(0, "<pad>"), added(1, "</s>"), added(3, "<unk>"),
        added(first, "<extra_id_0>", lstrip=True), added(first - 1, "<extra_id_1>", rstrip=True),
        added(first - 2, "<extra_id_2>", lstrip=True, rstrip=True),
        added(first - 3, "<extra_id_3>", single_word=True), added(first - 4, "<extra_id_4>", normalized=True),
        added(ids["▁cat"], "cat", single_word=True, normalized=True, special=False),
        added(ids["▁river"], "ＲＩＶＥＲ", normalized=True, special=False),
        added(first - 10, "<extra_id_10>"), added(first - 11, "<extra_id_1>0"),
    ]  # fmt: skip


def variants(tokenizers: dict[str, Tokenizer]) -> list[dict]:
    """What is read, and which members of its tokenizer.json are replaced first."""
    nmt = json.loads(tokenizers["nmt_nfkc"].to_str())
    precompiled = nmt["normalizer"]["normalizers"][0]
    old_normalizer = {"type": "Sequence", "normalizers": [precompiled, {
        "type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]}  # fmt: skip
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}
    split_first = {"type": "Sequence", "pretokenizers": [{"type": "WhitespaceSplit"}, metaspace]}
    return [
        {"model": "nmt_nfkc", "patch": {}},
        {"model": "nmt_nfkc", "patch": {"normalizer": old_normalizer, "pre_tokenizer": split_first}, "drop": ["normalizer"]},
        {"model": "nmt_nfkc", "patch": {"pre_tokenizer": {**metaspace, "prepend_scheme": "first"}}},
        {"model": "nmt_nfkc", "patch": {"pre_tokenizer": {**metaspace, "prepend_scheme": "never", "split": False}}},
        {"model": "nmt_nfkc", "patch": {"added_tokens": flagged_tokens(nmt["model"]["vocab"])}},
        {"model": "identity", "patch": {}},
        {"model": "identity", "patch": {"model": {"byte_fallback": False}}},
        {"model": "identity", "patch": {"normalizer": {"type": "Sequence", "normalizers": [
            {"type": "NFKC"}, {"type": "Strip", "strip_left": True, "strip_right": True},
            {"type": "Replace", "pattern": {"String": "cat"}, "content": "dog"}, {"type": "Prepend", "prepend": "▁"}]},
            "pre_tokenizer": {"type": "WhitespaceSplit"}}},
    ]  # fmt: skip


FIXED_TEXTS = [
    "", " ", "   ", "\n", "a", " a", "a ", "  a  b  ", "a\tb\nc", "▁", "▁▁a", "a▁b", "a ▁ b", "\u3000a\u3000",
    "Two anthropomorphic cats in comfy boxing gear and bright gloves fight intensely on a spotlighted stage.",
    "一只可爱的猫在森林里奔跑，阳光透过树叶洒在地面上。", "色调艳丽，过曝，静态，细节模糊不清，字幕", "ＦＵＬＬ　ＷＩＤＴＨ ｶﾞｷﾞｸﾞ １２３！",
    "猫が森の中を走っている。", "고양이가 숲속을 달린다", "кошка бежит по лесу", "กำลังวิ่ง น้ำ", "बिल्ली दौड़ता", "قطة تجري",
    "e\u0301", "e\u0302\u0301", "x\u0302y", "\u2460\u0301", "\u00bd\u0301", "\ufb01\u0301ne", "\u1100\u1161\u11a8", "\u0344",
    "a\u0300\u0301\u0302\u0303\u0304", "Zalgo t\u0335e\u0336x\u0337t", "\u0958 क\u093c", "ﬁne ﬂuﬃest", "Ⅳ ㎏ ㍿ ™ © №",
    "👩‍🚀 👨‍👩‍👧‍👦 👍🏽 🇯🇵🇺🇸 ❤️ ✔️ 1️⃣", "a\u200db", "a\u200bb", "\ufeffa", "a\u00adb", "\u2066a\u2069", "\u0000a\u0000", "a\r\nb\rc",
    "\x01\x02a\x7f", "<extra_id_0>", " <extra_id_0> ", "a <extra_id_0> b", "a<extra_id_1>b", "a <extra_id_2> b <extra_id_2>",
    "<extra_id_1>0", "<extra_id_10> <extra_id_19>", "<extra_id_20>", "x<extra_id_3>y <extra_id_3> z", "(<extra_id_3>)",
    "word<extra_id_4> word", "</s>", "a</s>b", "</s></s>", "<pad> <s> <unk>", "a <unk> b", "<unk", "＜/s＞", "＜unk＞ ＜pad＞",
    "<0x41>", "a<0xE4>b", "cat", "a cat", "cats cat cat.", "Cat cat_ _cat", "river RIVER ＲＩＶＥＲ", "ＲＩＶＥＲx", "\u2603\u2603\u2603",
    "\u16a0\u16a1 runes \u16a0", "\U00012000\U00012001", "ꙮ", "!!!!!!!", "wow!!!!!!!!!!!!!", "---------------", "hahahahahahahaha",
    "..........", "a" * 50, "aaaaaaaaab" * 9, "=*=*=*=*=*=", "1000000000", "3.14159265358979", "http://example.com/a?b=c&d=e",
    "tab\there", "non\u00a0breaking", "thin\u2009space", "line\u2028sep", "nel\u0085x", "\u200f\u200eabc", "ǅ ǈ ǲ", "İstanbul ıi", "ſtreet",
    "a  <extra_id_5>  b", "a\u3000<extra_id_0>\u3000b", "a\u00a0<extra_id_1>\u00a0b", "  <extra_id_2>", "<extra_id_2>  ",
    "the cat walks under the golden sunlight " * 110, CHINESE * 12, "🐱🐶" * 300, "word " * 511, "word " * 510, ("a cat " * 300).strip(),
]  # fmt: skip


def random_texts(rng: random.Random, count: int) -> list[str]:
    pieces = [word for line in VOCABULARIES for word in line.split()] + list(CHINESE) + list(JAPANESE) + KOREAN.split()
    pieces += ["<extra_id_0>", "<extra_id_1>", "<extra_id_7>", "</s>", "<pad>", "<unk>", "e\u0301", "\u0302", "\u0301\u0323", "ｶﾞ",
               "Ａｂ", "　", "  ", "   ", "\t", "\n", "!!!!!", "...", "----", "haha", "\u200d", "\ufe0f", "①", "½", "\u00ad",
               "\u2603", "\u16a0", "▁", "<0x41>", "ﬁ", "1️⃣", "0000", "aaaa"]  # fmt: skip
    texts = []
    for _ in range(count):
        separator = rng.choice([" ", " ", "", "  "])
        texts.append(separator.join(rng.choices(pieces, k=rng.randint(1, 16))))
    return texts


def golden_ids(folder: Path, tokenizers: dict[str, Tokenizer]) -> None:
    rng = random.Random(20250701)
    texts = FIXED_TEXTS + random_texts(rng, 400)
    cases = []
    for variant in variants(tokenizers):
        root = without_merged_members(json.loads(tokenizers[variant["model"]].to_str()), variant["patch"])
        tokenizer = Tokenizer.from_str(json.dumps(root))
        tokenizer.enable_truncation(MAX_TOKENS)
        ids = [tokenizer.encode(text).ids for text in texts]
        patch = variant["patch"]
        if "drop" in variant:  # the charsmap is in the tokenizer.json already
            patch = json.loads(json.dumps(patch))
            patch["normalizer"]["normalizers"][0] = "FIRST"
        cases.append({"model": variant["model"], "patch": patch, "ids": ids})
    # Most ids of the cases are those of the first one; only the differences are kept.
    for case in cases[1:]:
        if case["model"] == cases[0]["model"]:
            case["ids"] = [None if ids == base else ids for ids, base in zip(case["ids"], cases[0]["ids"])]
    text = json.dumps({"texts": texts, "cases": cases}, ensure_ascii=True, separators=(",", ":"))
    (folder / "ids.json").write_text(text + "\n")
    report_sentencepiece_differences(folder, tokenizers["nmt_nfkc"], texts)


def report_sentencepiece_differences(folder: Path, tokenizer: Tokenizer, texts: list[str]) -> None:
    """Why the search and the normalizer are our own: how often sentencepiece itself answers otherwise."""
    processor = sentencepiece.SentencePieceProcessor(model_file=str(folder / "nmt_nfkc/spiece.model"))
    plain = [text for text in texts if "<" not in text and "＜" not in text]
    whole = sum(processor.encode(text) + [1] != tokenizer.encode(text).ids for text in plain)
    print(f"sentencepiece {sentencepiece.__version__}: {whole} of {len(plain)} texts without special tokens differ")
    rng = random.Random(7)
    words = ["".join(rng.choices("ha!-.=*", k=rng.randint(4, 40))) for _ in range(1000)]
    words += [rng.choice("ha!-.=*") * rng.randint(4, 60) for _ in range(1000)]
    differing = [word for word in words if processor.encode(word) + [1] != tokenizer.encode(word).ids]
    print(f"    float32 sums: {len(differing)} of {len(words)} words of repeated characters differ: {differing[:3]}")


FRAGMENTS = [
    "a cat", "the", "boxing ring", "Straße", "naïve", "cafe\u0301", "A\u030a", "q\u0323\u0307", "q\u0307\u0323", "e\u0302\u0301",
    "猫", "森林，阳光。", "（全角）", "ＬＯＵＤ", "　", "ｶﾞ", "ﾊﾟ", "ｳﾞ", "ﾡﾢ", "￦￥", "￨", "～！＂＇", "고양이", "\u1112\u1161\u11ab", "\u1100\u1161",
    "“curly”", "‘q’", "don’t", "‛x‟", "ʼn", "„low‚", "«g»", "ﬁne", "ﬂuﬃeﬆ", "ŉ", "Ĳssel", "Ǆ ǆ ǅ", "ﬅ", "œuvre",
    "&amp;", "&lt;", "&gt;", "&quot;", "&#39;", "&#x27;", "&nbsp;", "&eacute;", "&EACUTE;", "&NTILDE;", "&SZLIG;", "&Ntilde;", "&hellip;",
    "&amp;amp;", "&amp;lt;b&amp;gt;", "&amp;amp;amp;quot;", "&amp", "&ampere", "&notit;", "&not", "&copy2024", "&lt", "&ltx", "&#38;#38;",
    "&#128;", "&#x80", "&#0;", "&#xD800;", "&#x110000;", "&#99999999999;", "&#1;", "&#11;", "&#xFFFE;", "&#59;", "&#x3b;", "&#12a;",
    "&#;", "&#x;", "&;", "&", "&&", "& amp;", "&unknown;", "&CounterClockwiseContourIntegral;", "&NotEqualTilde;", "&fjlig;", "&ThickSpace;",
    "&#13;&#10;", "&#10;", "&#x2028;", "&#8217;", "&#xff21;", "&ＡＭＰ;", "&ａｍｐ;", "&#６5;", "&zwj;", "&shy;", "&AMP;", "&Amp;", "&LT;",
    "<", "<b>", "a < b", "\n", "\r\n", "\r", "\u2028", "\u2029", "\x85", "\t", "\x0b", "\x0c", "\x1c", "\x1f", " ", "  ", "\u00a0",
    "\u2003", "\u202f", "\u205f", "\u1680", "\u200b", "\u2060", "\u180e", "\x1b[31m", "\x1b[0m", "\x1b[1;32;40m", "\x1b[", "\x1b[٣m",
    "\x1b[2", "\x1b]0;x", "\x00", "\x07", "\x7f", "\x80", "\x91q\x92", "\x93w\x94", "\x81", "\x8d", "\x96", "\x9f", "\ufeff", "\ufffc", "\ufff9",
    "\u206a", "\u200d", "\u200e", "\u202a", "\U0001d173", "\U000e0067", "\ufffd", "\ufffe", "🐱", "👩‍🚀", "👍🏽", "❤️", "🇯🇵", "1️⃣", "½", "①",
    "№", "™", "ª", "\u2126", "\u212b", "\uf900", "\u0958", "\u0344", "\u0387", "\u1fef", "\u2000", "\u2329", "\u1e9b\u0323", "ſ", "İ",
    "кошка", "قطة", "बिल्ली", "แมว น้ำ", "mèo", "me\u0300o", "\u05e9\u05bc\u05c1", "\u0f71\u0f74", "100%", "@#$^*()[]{}|\\`~", "http://a.b/c?d=e&f=g",
    "\u09c7\u09be", "\u0dd9\u0dcf\u0dca", "\U00011131\U00011127", "\u0061\u0315\u0300\u05ae\u0062", "\uac00\u11a8", "\U0002f800", "\ufb2a",
]  # fmt: skip


def clean(text: str) -> str:
    """Wan's cleaning, without the search for mojibake."""
    text = ftfy.fix_text(text, fix_encoding=False)
    text = html.unescape(html.unescape(text)).strip()
    return re.sub(r"\s+", " ", text).strip()


def golden_cleaning(folder: Path) -> None:
    rng = random.Random(20250702)
    texts = list(FRAGMENTS)
    seen = set(texts)
    while len(texts) < CLEANING_PAIRS:
        text = rng.choice(["", "", " ", " "]).join(rng.choices(FRAGMENTS, k=rng.randint(2, 7)))
        if rng.random() < 0.1:  # any character at all
            text += chr(rng.choice([rng.randrange(0x20, 0xD800), rng.randrange(0xE000, 0x20000)]))
        if text not in seen and len(text) < 60:
            seen.add(text)
            texts.append(text)
    # An output that is its input is not repeated.
    with open(folder / "cleaning.jsonl", "w", encoding="utf-8") as out:
        for text in texts:
            cleaned = clean(text)
            pair = [text] if cleaned == text else [text, cleaned]
            out.write(json.dumps(pair, ensure_ascii=False, separators=(",", ":")) + "\n")


def fuzz_inputs(corpora: Path) -> None:
    """A model with five rules and twenty-six pieces, in both forms, and a few prompts."""
    rules = [("ﬁ", "fi"), ("Ａ", "A"), ("½", "1⁄2"), ("e\u0302", "ê"), ("e\u0302\u0301", "ế"), ("　", " ")]
    with tempfile.NamedTemporaryFile("w", suffix=".tsv") as tsv:
        for source, target in rules:
            tsv.write(" ".join(f"{ord(c):X}" for c in source) + "\t" + " ".join(f"{ord(c):X}" for c in target) + "\n")
        tsv.flush()
        lines = ["a cat runs", "the dog sat on the mat!!!", "猫が走る"] * 30
        model = train(lines, vocab_size=26, normalization_rule_tsv=tsv.name)
    for name in ["model_proto", "tokenizer_json", "prompt_cleaning"]:
        (corpora / name).mkdir(parents=True, exist_ok=True)
    file = corpora / "model_proto" / "small.model"
    file.write_bytes(model)
    converted = json.loads(convert(file, True).to_str())
    converted["model"]["vocab"] = [pair for pair in converted["model"]["vocab"] if "extra" not in pair[0]]
    converted["added_tokens"] = converted["added_tokens"][:4]
    converted["added_tokens_decoder"] = {"1": added(1, "</s>", lstrip=True, rstrip=True, single_word=True)}
    (corpora / "tokenizer_json" / "t5.json").write_text(json.dumps(converted))
    steps = [{"type": kind} for kind in ["NFC", "NFD", "NFKC", "NFKD"]] + [
        {"type": "Strip", "strip_left": True, "strip_right": True}, {"type": "Prepend", "prepend": "x"},
        {"type": "Replace", "pattern": {"String": "a"}, "content": "b"},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]  # fmt: skip
    converted["normalizer"] = {"type": "Sequence", "normalizers": steps}
    converted["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [
        {"type": "WhitespaceSplit"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}]}  # fmt: skip
    (corpora / "tokenizer_json" / "steps.json").write_text(json.dumps(converted))
    for start in range(0, len(FRAGMENTS), 12):
        text = " ".join(FRAGMENTS[start : start + 12])
        (corpora / "prompt_cleaning" / f"fragments_{start:03}").write_text(text, encoding="utf-8")


def main() -> None:
    folder = Path(sys.argv[1])
    lines = training_text(random.Random(20250630))
    tokenizers = {}
    for name, byte_fallback, options in [
        ("nmt_nfkc", False, {"vocab_size": 1500, "normalization_rule_name": "nmt_nfkc"}),
        ("identity", True, {"vocab_size": 1200, "normalization_rule_name": "identity", "byte_fallback": True,
                            "character_coverage": 0.98}),
    ]:  # fmt: skip
        (folder / name).mkdir(parents=True, exist_ok=True)
        file = folder / name / "spiece.model"
        file.write_bytes(train(lines, **options))
        tokenizers[name] = convert(file, byte_fallback)
        tokenizers[name].save(str(folder / name / "tokenizer.json"), pretty=False)
    golden_ids(folder, tokenizers)
    golden_cleaning(folder)
    fuzz_inputs(Path(sys.argv[2]))


if __name__ == "__main__":
    main()

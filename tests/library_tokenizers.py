"""Tokenizers of the `tokenizers` library, like those of T5, GPT-2, BERT and Llama."""

from tokenizers import Tokenizer as Library
from tokenizers import decoders, models, normalizers, pre_tokenizers, trainers

from whyformer.text.imported import BYTES

LINES = [
    "The cat sat on the mat, and the dog sat on the log.",
    "나는 오늘 학교에 갔다. 너는 집에 있다.",
    "日本語のテストです。カタカナ",
    "Привет мир, как дела?",
    "مرحبا بالعالم كيف الحال",
    "नमस्ते दुनिया",
    "👩‍👩‍👧 and 🇰🇷 🎉",
    "café cafe\u0301 a\u0323\u0307 한글 \u1112\u1161\u11ab",
]
T5 = {"pad": "<pad>", "eos": "</s>", "unk": "<unk>"}
GPT2 = {"bos": "<|endoftext|>", "eos": "<|endoftext|>"}
BERT = {"pad": "[PAD]", "unk": "[UNK]", "bos": "[CLS]", "eos": "[SEP]", "mask": "[MASK]"}
LLAMA = {"unk": "<unk>", "bos": "<s>", "eos": "</s>"}


def unigram(special: list[str]) -> Library:
    """Return a tokenizer like that of T5 and Marian."""
    library = Library(models.Unigram())
    library.normalizer = normalizers.Sequence([normalizers.NFKC()])
    library.pre_tokenizer = pre_tokenizers.Metaspace()
    library.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(
        vocab_size=250, special_tokens=special, unk_token="<unk>", show_progress=False
    )
    library.train_from_iterator(LINES * 3, trainer)
    return library


def byte_level() -> Library:
    """Return a tokenizer like that of GPT-2."""
    library = Library(models.BPE())
    library.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    library.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|endoftext|>"],
        show_progress=False,
    )
    library.train_from_iterator(LINES * 3, trainer)
    return library


def word_piece() -> Library:
    """Return a tokenizer like that of BERT."""
    library = Library(models.WordPiece(unk_token="[UNK]"))
    library.normalizer = normalizers.BertNormalizer(lowercase=True)
    library.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    library.decoder = decoders.WordPiece(prefix="##")
    trainer = trainers.WordPieceTrainer(
        vocab_size=300,
        special_tokens=["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"],
        show_progress=False,
    )
    library.train_from_iterator(LINES * 3, trainer)
    return library


def with_byte_tokens() -> Library:
    """Return a tokenizer like that of Llama: BPE with byte tokens for unknown characters."""
    trained = unigram(["<unk>", "<s>", "</s>"])
    characters = sorted({c for line in LINES[:2] for c in line.replace(" ", "▁")})
    tokens = ["<unk>", "<s>", "</s>", *BYTES, *characters, "th", "the", "at"]
    library = Library(
        models.BPE(
            vocab={token: i for i, token in enumerate(tokens)},
            merges=[("t", "h"), ("th", "e"), ("a", "t")],
            unk_token="<unk>",
            byte_fallback=True,
        )
    )
    library.pre_tokenizer = trained.pre_tokenizer
    library.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    library.add_special_tokens(["<unk>", "<s>", "</s>"])
    return library

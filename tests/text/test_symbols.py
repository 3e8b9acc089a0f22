"""The ids that every saved model relies on."""

from whyformer.text import symbols


def test_ids_are_positions_in_the_spellings():
    ids = (symbols.PAD, symbols.BOS, symbols.EOS, symbols.UNK, symbols.MASK)
    assert [symbols.SYMBOLS[i] for i in ids] == ["<pad>", "<bos>", "<eos>", "<unk>", "<mask>"]
    assert ids == (0, 1, 2, 3, 4)
    assert symbols.RESERVED[symbols.FIRST_BYTE + 0x41] == "<0x41>"
    assert len(symbols.RESERVED) == symbols.FIRST_PIECE == 261

// A tokenizer of the `tokenizers` library, with its tokens and rules (text/imported.py). The page
// reads two kinds: WordPiece as in BERT, and byte-level BPE as in GPT-2.

import {ByteLevelTool} from "./bytelevel.js";
import {FIRST_BYTE, RESERVED, UNK} from "./symbols.js";
import {Pieces, beforeEos} from "./pieces.js";
import {WordPieceTool} from "./wordpiece.js";
import {withoutSurrogates} from "./normalization.js";
import {utf8TextWithEscapes} from "./utf8.js";

const TOOL_OF_DECODER = {WordPiece: WordPieceTool, ByteLevel: ByteLevelTool};

/** Encodes and decodes with the rules of a tokenizer.json; ids 0 to 4 are our symbols. */
export class Imported extends Pieces {
  constructor(state) {
    const content = state.tool === "tokenizers" ? JSON.parse(state.content) : null;
    const Tool = TOOL_OF_DECODER[content?.decoder?.type];
    if (Tool === undefined) {
      throw new Error(
        "The page can read an imported tokenizer if it is WordPiece as in BERT or byte-level BPE " +
          "as in GPT-2, but this one is of another kind.",
      );
    }
    const symbols = new Set(Object.values(state.symbols));
    const tool = new Tool(content, symbols);
    const firstPiece = state.theirs.length - state.pieces.length;
    super(state, {firstPiece, bytesOf: (piece) => tool.spelling(piece)});
    this.tool = tool;
    this.overBytes = tool.overBytes;
    this.lowersFirst = state.lowercase && !tool.lowercase;
    this.lowercase = state.lowercase || tool.lowercase;
    this.names = [...RESERVED.slice(0, firstPiece), ...this.pieces];
    this.id = new Map(this.names.map((token, id) => [token, id]).slice(FIRST_BYTE));
    this.lead = (state.lead ?? []).map((token) => this.id.get(token));
    const special = content.added_tokens.filter((one) => one.special).map((one) => one.content);
    this.hidden = new Set([...special, ...(state.unused ?? [])]);
  }

  /** Return the ids of `text`, without BOS and EOS. */
  encode(text) {
    const whole = withoutSurrogates(text);
    const tokens = this.tool.encode(this.lowersFirst ? whole.toLowerCase() : whole);
    return [...this.lead, ...tokens.map((token) => this.id.get(token) ?? UNK)];
  }

  /** Return the text of `ids` up to EOS, without symbols and other special tokens. */
  decode(ids) {
    const known = beforeEos(ids).filter((id) => id >= FIRST_BYTE && id < this.size);
    return this.tool.decode(known.map((id) => this.names[id]).filter((one) => !this.hidden.has(one)));
  }

  shownPiece(id) {
    return utf8TextWithEscapes(this.spellings[id]).replaceAll(" ", "▁");
  }
}

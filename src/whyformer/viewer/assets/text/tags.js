// Tags of sources: a token at the start of a source, such as <2de>, says what is wanted
// (text/tags.py). Paper: Johnson et al. 2017 (arXiv:1611.04558), §3.

const TAG_AT_START = /^<2([A-Za-z0-9][A-Za-z0-9_-]{0,31})> ?/;

/** A tokenizer whose texts may begin with a tag. A tag is always one token. */
export class Tagged {
  constructor(inner, tags) {
    this.inner = inner;
    this.tags = tags;
    const place = new Map(inner.pieces.map((piece, k) => [piece, inner.firstPiece + k]));
    this.idOfTag = new Map(tags.map((tag) => [tag, place.get(`<2${tag}> `)]));
    this.tagOfId = new Map(Array.from(this.idOfTag, ([tag, id]) => [id, tag]));
    for (const name of ["units", "lowercase", "pieces", "firstPiece", "overBytes", "gaps", "lead",
      "pad", "bos", "eos", "unknown", "mask", "size"]) this[name] = inner[name];
    this.spellings = inner.spellings.map((bytes, id) =>
      this.tagOfId.has(id) ? new Uint8Array(0) : bytes,
    );
  }

  /** Return exactly the result of `decode(encode(text))`, which has no tag. */
  normalize(text) {
    return this.inner.normalize(this.divided(text)[1]);
  }

  /** Return the ids of `text`, without BOS and EOS. A known tag at its start is one id. */
  encode(text) {
    const [tag, rest] = this.divided(text);
    return [...tag, ...this.inner.encode(rest)];
  }

  /** Return the text of `ids` up to EOS, without symbols and tags. */
  decode(ids) {
    return this.inner.decode(Array.from(ids).filter((id) => !this.tagOfId.has(id)));
  }

  /** Return a readable string for an id; a tag is shown as <2de>. */
  token(id) {
    return this.tagOfId.has(id) ? `<2${this.tagOfId.get(id)}>` : this.inner.token(id);
  }

  /** Return a readable string for each id. */
  tokens(ids) {
    return Array.from(ids, (id) => this.token(id));
  }

  /** Return the id whose readable string is `token`; null if there is none. */
  find(token) {
    const tag = token.match(TAG_AT_START);
    const id = tag !== null && tag[0] === token ? this.idOfTag.get(tag[1]) : undefined;
    return id ?? this.inner.find(token);
  }

  /** Return the id of a known tag at the start of a text, and the rest of the text. */
  divided(text) {
    const found = text.match(TAG_AT_START);
    if (found === null || !this.idOfTag.has(found[1])) return [[], text];
    return [[this.idOfTag.get(found[1])], text.slice(found[0].length)];
  }
}

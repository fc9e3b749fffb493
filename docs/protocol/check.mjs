// Checks the test vectors of dynamic data with an implementation of its own:
// no code is shared with the Go packages, and nothing is needed but Node.js 18
// or later. Read it beside dynamic-data.md.
//
//   node docs/protocol/check.mjs dyncode/testdata/dynamic-data.txt

import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync } from 'node:crypto'
import { readFileSync } from 'node:fs'

const version = 1
const profiles = { 'card-sealed': 1, 'phone-sealed': 2, plain: 3 }
const reasons = ['', 'malformed', 'version', 'profile', 'unbound', 'seal', 'counter', 'content', 'expired', 'exhausted', 'storage']
const kinds = { payment: 1, bind: 2, release: 3 }

// Refused carries the reason for which something is not read.
class Refused extends Error {
  constructor (reason) { super(reason); this.reason = reason }
}
const refuse = (reason) => { throw new Refused(reason) }

// ---- bytes

const hex = (text) => Buffer.from(text ?? '', 'hex')
const utf8 = (text) => Buffer.from(text, 'utf8')
const uint = (n, size) => { const b = Buffer.alloc(size); let v = BigInt(n); for (let i = size - 1; i >= 0; i--) { b[i] = Number(v & 255n); v >>= 8n } return b }
const number = (b) => BigInt('0x' + (b.toString('hex') || '0'))
const same = (a, b) => Buffer.compare(a, b) === 0
const isText = (b, min, max) => b.length >= min && b.length <= max && same(utf8(b.toString('utf8')), b)

// ---- BER-TLV, tags of one byte

const object = (tag, ...value) => {
  const v = Buffer.concat(value)
  const n = v.length
  const length = n < 0x80 ? [n] : n < 0x100 ? [0x81, n] : [0x82, n >> 8, n & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), v])
}

const first = (b) => {
  if (b.length < 2) refuse('malformed')
  const tag = b[0]
  if (tag === 0 || (tag & 0x1f) === 0x1f) refuse('malformed')
  let n = b[1]
  let at = 2
  if (n === 0x80 || n > 0x82) refuse('malformed')
  if (n > 0x80) {
    at = n === 0x81 ? 3 : 4
    if (b.length < at) refuse('malformed')
    n = Number(number(b.subarray(2, at)))
    if (n < (at === 3 ? 0x80 : 0x100)) refuse('malformed')
  }
  if (b.length < at + n) refuse('malformed')
  return { tag, value: b.subarray(at, at + n), rest: b.subarray(at + n) }
}

const only = (b, tag) => {
  const o = first(b)
  if (o.tag !== tag || o.rest.length) refuse('malformed')
  return o.value
}

// Fields takes the objects of a template in ascending order of their tags.
class Fields {
  constructor (b) { this.rest = b }
  has (tag) { return this.rest.length > 0 && first(this.rest).tag === tag }
  must (tag, min, max = min) {
    if (!this.has(tag)) refuse('malformed')
    const o = first(this.rest)
    if (o.value.length < min || o.value.length > max) refuse('malformed')
    this.rest = o.rest
    return o.value
  }

  optional (tag, min, max) { return this.has(tag) ? this.must(tag, min, max) : undefined }
  end () { if (this.rest.length) refuse('malformed') }
}

// ---- keys and seals

const derive = (key, salt, info) => Buffer.from(hkdfSync('sha256', key, salt, info, 32))
const cardKey = (v) => derive(hex(v.master), hex(v.card), 'sotto v1 card')
const sealKey = (v) => derive(cardKey(v), hex(v.card), 'sotto v1 seal')
const receiptKey = (v) => derive(cardKey(v), hex(v.card), 'sotto v1 receipt')
const outerKey = (v) => derive(hex(v.pairing), Buffer.concat([hex(v.card), hex(v.phone)]),
  Buffer.concat([utf8('sotto v1 outer'), hex(v['key-source-digest'])]))
const phoneKey = (v) => derive(hex(v.transport), hex(v.phone), 'sotto v1 phone')

const seal = (key, nonce, ad, plain) => {
  const c = createCipheriv('aes-256-gcm', key, nonce)
  c.setAAD(ad)
  return Buffer.concat([c.update(plain), c.final(), c.getAuthTag()])
}

const unseal = (key, nonce, ad, sealed) => {
  if (sealed.length < 16) refuse('seal')
  const c = createDecipheriv('aes-256-gcm', key, nonce)
  c.setAAD(ad)
  c.setAuthTag(sealed.subarray(-16))
  const plain = c.update(sealed.subarray(0, -16))
  try { c.final() } catch { refuse('seal') }
  return plain
}

const bankNonce = (counter) => Buffer.concat([utf8('bank'), uint(counter, 8)])
const phoneNonce = (counter) => Buffer.concat([utf8('phon'), uint(counter, 8)])
const bankAD = (v, profile, id) => Buffer.concat([Buffer.from([version, profile]), hex(v.card), id])
const phoneAD = (v, profile, id) => Buffer.concat([bankAD(v, profile, id), hex(v.phone)])

// ---- content

const texts = [['platform', 0x87, 100], ['order', 0x88, 64], ['description', 0x89, 200], ['account', 0x8a, 32]]

const writeContent = (v) => {
  const parts = [object(0x80, Buffer.from([kinds[v.kind]]))]
  if (v.code) parts.push(object(0x81, utf8(v.code)))
  parts.push(object(0x82, uint(v['expires-at'], 8)), object(0x83, uint(v.lifetime, 2)))
  if (v.kind === 'payment') {
    parts.push(object(0x84, uint(v.amount, 8)), object(0x85, utf8(v.currency)), object(0x86, utf8(v.payee)))
    for (const [name, tag] of texts) if (v[name]) parts.push(object(tag, utf8(v[name])))
  }
  if (v.kind === 'bind') {
    parts.push(object(0x8b, utf8(v['phone-name'])), object(0x8c, hex(v['new-phone'])),
      object(0x8d, hex(v['new-pairing'])), object(0x8e, hex(v['new-key-source-digest'])))
  }
  const b = Buffer.concat([object(0xe3, ...parts), Buffer.from([0x80])])
  return Buffer.concat([b, Buffer.alloc((64 - b.length % 64) % 64)])
}

const isCode = (b) => /^[0-9]{6,8}$/.test(b.toString('latin1'))

const readContent = (padded) => {
  const n = padded.length
  if (n === 0 || n > 1024 || n % 64) refuse('content')
  const o = first(padded)
  const pad = o.rest
  if (o.tag !== 0xe3 || pad.length === 0 || pad.length > 64 || pad[0] !== 0x80 || pad.subarray(1).some(b => b)) refuse('content')
  const f = new Fields(o.value)
  const c = { kind: f.must(0x80, 1)[0] }
  if (c.kind !== kinds.release) c.code = f.must(0x81, 6, 8)
  c.expiresAt = number(f.must(0x82, 8))
  const lifetime = number(f.must(0x83, 2))
  if (c.kind !== kinds.release && (lifetime === 0n || !isCode(c.code))) refuse('content')
  if (c.kind === kinds.payment) {
    const amount = number(f.must(0x84, 8))
    if (amount < 1n || amount > 999999999999n) refuse('content')
    if (!/^[A-Z]{3}$/.test(f.must(0x85, 3).toString('latin1'))) refuse('content')
    if (!isText(f.must(0x86, 1, 200), 1, 200)) refuse('content')
    for (const [, tag, max] of texts) {
      const text = f.optional(tag, 1, max)
      if (text && !isText(text, 1, max)) refuse('content')
    }
  } else if (c.kind === kinds.bind) {
    if (!isText(f.must(0x8b, 1, 64), 1, 64)) refuse('content')
    f.must(0x8c, 16); f.must(0x8d, 32); f.must(0x8e, 32)
  } else if (c.kind !== kinds.release) refuse('content')
  f.end()
  return c
}

// ---- messages

const readLines = (b) => {
  const f = new Fields(b)
  if (number(f.must(0x80, 2)) === 0n) refuse('malformed')
  const code = f.optional(0x81, 6, 8)
  if (code && !isCode(code)) refuse('malformed')
  let text = f.must(0xa2, 1, 1280)
  f.end()
  for (let n = 0; text.length; n++) {
    const o = first(text)
    if (o.tag !== 0x80 || n === 12 || !isText(o.value, 1, 220)) refuse('malformed')
    text = o.rest
  }
}

const readBankPart = (b) => {
  const f = new Fields(only(b, 0xe2))
  const part = { counter: number(f.must(0x83, 8)) }
  if (f.has(0x84)) part.sealed = f.must(0x84, 16, 1280)
  else part.clear = f.must(0x85, 1, 1280)
  f.end()
  return part
}

const readMessage = (b) => {
  if (b.length > 1280) refuse('malformed')
  const f = new Fields(only(b, 0xe1))
  if (f.must(0x80, 1)[0] !== version) refuse('version')
  const m = { profile: f.must(0x81, 1)[0], id: f.must(0x82, 16) }
  if (f.has(0x83)) {
    m.counter = number(f.must(0x83, 8))
    m.sealed = f.must(0x84, 16, 1280)
  } else if (f.has(0x85)) {
    m.direct = f.must(0x85, 1, 1280)
    if (!readBankPart(m.direct).sealed) refuse('malformed')
  } else m.lines = f.must(0x86, 1, 1280)
  f.end()
  if (m.profile < 1 || m.profile > 3 || (m.profile === 3) !== (m.lines !== undefined)) refuse('malformed')
  if (m.lines) readLines(m.lines)
  return m
}

const head = (profile, id) => [object(0x80, Buffer.from([version])), object(0x81, Buffer.from([profile])), object(0x82, id)]

const writeReceipt = (v, result, id, counter) => {
  const body = Buffer.concat([object(0x80, Buffer.from([version])), object(0x81, Buffer.from([result])),
    object(0x82, id), object(0x83, uint(counter, 8))])
  if (!v.master) return object(0xe4, body)
  const mac = createHmac('sha256', receiptKey(v)).update(body).update(hex(v.card)).digest()
  return object(0xe4, body, object(0x84, mac.subarray(0, 16)))
}

const writeRefusal = (reason, id) =>
  object(0xe5, object(0x80, Buffer.from([version])), object(0x81, Buffer.from([reasons.indexOf(reason)])), object(0x82, id))

// ---- the card's reading: what it does when nothing is wrong, in the order of
// its checks

const openBoth = (v, m) => {
  let part = m.direct
  if (m.sealed) {
    if (!v.pairing) refuse('unbound')
    part = unseal(outerKey(v), phoneNonce(m.counter), phoneAD(v, m.profile, m.id), m.sealed)
  }
  try { part = readBankPart(part) } catch { return {} }
  let padded = part.clear
  if (m.direct || m.profile === profiles['card-sealed']) {
    if (!part.sealed) refuse('seal')
    padded = unseal(sealKey(v), bankNonce(part.counter), bankAD(v, m.profile, m.id), part.sealed)
  }
  try { return { counter: part.counter, content: readContent(padded) } } catch { return { counter: part.counter } }
}

const judge = (v, m) => {
  if (m.profile !== profiles[v.profile]) refuse('profile')
  if (m.lines) return writeReceipt({}, 1, m.id, 0)
  const { counter, content } = openBoth(v, m)
  if (m.sealed && m.counter <= BigInt(v['phone-counter-seen'])) refuse('counter')
  if (content && counter <= BigInt(v['bank-counter-seen'])) refuse('counter')
  if (!content || (content.kind === kinds.payment) !== (m.sealed !== undefined)) refuse('content')
  if (content.kind !== kinds.release && BigInt(v.now) >= content.expiresAt) refuse('expired')
  const last = (1n << 64n) - 1n
  if (counter === last || m.counter === last) refuse('exhausted')
  return writeReceipt(v, content.kind, m.id, counter)
}

const read = (v) => {
  let id = Buffer.alloc(16)
  try {
    const m = readMessage(hex(v.message))
    id = m.id
    return { verdict: 'show', answer: judge(v, m) }
  } catch (e) {
    if (!(e instanceof Refused)) throw e
    return { verdict: e.reason, answer: writeRefusal(e.reason, id) }
  }
}

// compose makes the message of a read vector from its parts.
const compose = (v) => {
  const profile = profiles[v.profile]
  const id = hex(v.id)
  if (v.form === 'lines') {
    const text = []
    for (let n = 1; v['line-' + n]; n++) text.push(object(0x80, utf8(v['line-' + n])))
    const code = v.code ? [object(0x81, utf8(v.code))] : []
    return object(0xe1, ...head(profile, id), object(0x86, object(0x80, uint(v.lifetime, 2)), ...code, object(0xa2, ...text)))
  }
  const padded = hex(v.padded)
  if (v.kind) want('padded', writeContent(v), padded)
  const counter = object(0x83, uint(v['bank-counter'], 8))
  const part = v.form === 'clear'
    ? object(0xe2, counter, object(0x85, padded))
    : object(0xe2, counter, object(0x84, seal(sealKey(v), bankNonce(v['bank-counter']), bankAD(v, profile, id), padded)))
  want('bank-part', part, hex(v['bank-part']))
  if (v.form === 'direct') return object(0xe1, ...head(profile, id), object(0x85, part))
  const sealed = seal(outerKey(v), phoneNonce(v['phone-counter']), phoneAD(v, profile, id), part)
  return object(0xe1, ...head(profile, id), object(0x83, uint(v['phone-counter'], 8)), object(0x84, sealed))
}

const change = (b, how) => {
  const [what, x, y] = how.split(' ')
  b = Buffer.from(b)
  if (what === 'xor') b[Number(x)] ^= hex(y)[0]
  else if (what === 'cut') b = b.subarray(0, b.length - Number(x))
  else if (what === 'append') b = Buffer.concat([b, hex(x)])
  else if (what !== 'none') throw new Error('unknown change ' + what)
  return b
}

// ---- the vectors

const want = (name, got, wanted) => {
  if (!same(got, wanted)) throw new Error(`${name}:\n  got  ${got.toString('hex')}\n  want ${wanted.toString('hex')}`)
}

// outcome runs f and gives its verdict: "ok" or the reason why it refused.
const outcome = (f) => {
  try { f(); return 'ok' } catch (e) {
    if (e instanceof Refused) return e.reason
    throw e
  }
}

const checks = {
  keys: (v) => outcome(() => {
    want('card-key', cardKey(v), hex(v['card-key']))
    want('seal-key', sealKey(v), hex(v['seal-key']))
    want('receipt-key', receiptKey(v), hex(v['receipt-key']))
    want('outer-key', outerKey(v), hex(v['outer-key']))
    want('phone-key', phoneKey(v), hex(v['phone-key']))
  }),
  'key-source': (v) => outcome(() => {
    const encoded = hex(v.encoded)
    const f = new Fields(only(encoded, 0xe7))
    const items = ['device', 'account', 'fingerprint', 'face']
    const got = items.map((name, i) => f.optional(0x80 + i, 1, 16000))
    f.end()
    if (got.every(item => !item)) refuse('malformed')
    items.forEach((name, i) => want(name, got[i] ?? Buffer.alloc(0), hex(v[name])))
    want('digest', createHash('sha256').update(encoded).digest(), hex(v.digest))
  }),
  'code-mac': (v) => outcome(() => {
    const text = (s) => Buffer.concat([uint(utf8(s).length, 4), utf8(s)])
    const mac = createHmac('sha256', hex(v.pepper)).update(Buffer.concat([utf8('sotto code v1'), hex(v.payment),
      uint(v.amount, 8), text(v.currency), text(v.payee), utf8(v.code)])).digest()
    want('mac', mac, hex(v.mac))
  }),
  'phone-box': (v) => outcome(() => {
    const ad = Buffer.concat([Buffer.from([version]), hex(v.phone), hex(v.card), hex(v.dispatch)])
    const sealed = hex(v.sealed)
    want('plain', unseal(phoneKey(v), sealed.subarray(0, 12), ad, sealed.subarray(12)), hex(v.plain))
    want('sealed', Buffer.concat([hex(v.random), seal(phoneKey(v), hex(v.random), ad, hex(v.plain))]), sealed)
  }),
  personalization: (v) => outcome(() => {
    want('encoded', object(0xeb, object(0x80, Buffer.from([version])), object(0x81, Buffer.from([profiles[v.profile]])),
      object(0x82, hex(v.card)), object(0x83, utf8(v.holder)), object(0x84, utf8(v.language)),
      object(0x85, hex(v['card-key']))), hex(v.encoded))
  }),
  receipt: (v) => outcome(() => {
    const b = hex(v.receipt)
    const f = new Fields(only(b, 0xe4))
    if (f.must(0x80, 1)[0] !== version) refuse('version')
    const result = f.must(0x81, 1)[0]
    const id = f.must(0x82, 16)
    const counter = number(f.must(0x83, 8))
    f.optional(0x84, 16, 16)
    f.end()
    if (result < 1 || result > 3) refuse('malformed')
    if (!same(writeReceipt(v, result, id, counter), b)) refuse('seal')
    want('id', id, hex(v.id))
    want('result and counter', Buffer.concat([uint(result, 1), uint(counter, 8)]), Buffer.concat([uint(v.result, 1), uint(v['bank-counter'], 8)]))
  }),
  read: (v, all) => {
    if (v.form) want('message', compose(v), hex(v.message))
    if (v.from) want('message', change(hex(all.get(v.from).message), v.change), hex(v.message))
    const { verdict, answer } = read(v)
    want('answer', answer, hex(v.answer))
    return verdict
  }
}

const parse = (text) => text.split('\n\n').map(block => {
  const v = {}
  for (const line of block.split('\n')) {
    if (!line || line.startsWith('#')) continue
    const at = line.indexOf(': ')
    const name = line.slice(0, at)
    if (at < 0 || name in v) throw new Error('not a line of a vector, or its second: ' + line)
    v[name] = line.slice(at + 2)
  }
  return v
}).filter(v => v.vector)

const all = new Map()
let failed = 0
for (const v of parse(readFileSync(process.argv[2], 'utf8'))) {
  all.set(v.vector, v)
  try {
    if (!checks[v.op]) throw new Error('unknown op ' + v.op)
    const got = checks[v.op](v, all)
    if (got !== v.expect) throw new Error(`expect: got ${got}, want ${v.expect}`)
  } catch (e) {
    failed++
    console.log(`${v.vector}: ${e.message}`)
  }
}
if (failed || all.size === 0) {
  console.log(`${failed} of ${all.size} vectors fail`)
  process.exit(1)
}
console.log(`${all.size} vectors hold`)

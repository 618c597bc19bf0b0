import type {ServiceToken} from '../../api/types.js'
import {ztCommand} from '../../core/command-line.js'
import {canBePasted} from '../../core/quote.js'
import {KINDS, type FindingKind} from './kinds.js'
import {referrer, type Naming} from './naming.js'
import type {AuditFacts, Finding, Ref, Subject} from './types.js'
import {DAY_MS, type UseRecord} from './use-record.js'

/** A finding with the severity of its kind. */
export function finding(
  kind: FindingKind,
  subject: Subject,
  why: string,
  more: Partial<Pick<Finding, 'next' | 'closes' | 'trap'>> = {},
): Finding {
  return {kind, severity: KINDS[kind].severity, subject, trap: undefined, why, next: [], closes: [], ...more}
}

/** The date of a time in milliseconds. */
export function dateOf(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}

/** What there is to say of each service token, and of each secret here. */
export function tokenFindings(facts: AuditFacts, use: UseRecord, naming: Naming): Finding[] {
  const here = new Set(facts.stored.map(({tokenId}) => tokenId))
  return [
    ...facts.tokens.flatMap((token) => {
      const one = new OneToken(facts, use, naming, token, referrerOf(facts))
      return [
        ...one.life(),
        ...one.use(),
        ...(here.size > 0 && !here.has(token.id) ? one.secretElsewhere() : []),
      ]
    }),
    ...duplicates(facts),
    ...ofSecretsHere(facts),
  ]
}

/** One that does nothing for anyone: its rights need no findings of their own. */
export function isIdle(token: ServiceToken, {now}: AuditFacts, use: UseRecord): boolean {
  const last = use.lastUse(token)
  return !token.enabled || hasExpired(token, now) || last === undefined || last < use.tokensSince
}

const referrers = new WeakMap<AuditFacts, (thing: Ref) => string | Ref>()
const otherWays = new WeakMap<AuditFacts, string>()

function referrerOf(facts: AuditFacts): (thing: Ref) => string | Ref {
  const known = referrers.get(facts) ?? referrer(facts.tokens)
  referrers.set(facts, known)
  return known
}

/** What may let in a token that nothing names. */
function otherWayOf(facts: AuditFacts): string {
  const {every} = facts.rights
  const any = every.find(({by}) => by === 'any-token') ?? every[0]
  const who = any?.by === 'any-token' ? 'any valid token' : 'everyone'
  const words = otherWays.get(facts) ?? (any ? `A rule for ${who} may let it in.` : 'No rule lets it in now.')
  otherWays.set(facts, words)
  return words
}

function hasExpired({expiresAt}: ServiceToken, now: number): boolean {
  return expiresAt !== undefined && Date.parse(expiresAt) <= now
}

class OneToken {
  readonly #last: number | undefined
  readonly #subject: Subject

  constructor(
    readonly facts: AuditFacts,
    readonly record: UseRecord,
    readonly naming: Naming,
    readonly token: ServiceToken,
    readonly reference: (thing: Ref) => string | Ref,
  ) {
    this.#last = record.lastUse(token)
    this.#subject = {token: {id: token.id, name: token.name}}
  }

  /** Whether it ends, or was switched off. */
  life(): Finding[] {
    const {token, facts} = this
    const end = Date.parse(token.expiresAt ?? '')
    const found: Finding[] = []
    if (end <= facts.now) {
      const next = this.#isInUse ? this.#command('refresh') : this.#revocation
      found.push(
        this.#finding(
          'expired',
          `It expired on ${dateOf(end)}. ${this.#lastUsed}${this.#unrevokable(next)}`,
          next,
        ),
      )
    } else if (end - facts.now <= facts.expiringMs && token.enabled) {
      const days = Math.floor((end - facts.now) / DAY_MS)
      const left = days === 0 ? 'within a day' : `in ${counted(days, 'day')}`
      found.push(
        this.#finding(
          'expiring',
          `It expires ${left}, on ${dateOf(end)}. ${this.#lastUsed}`,
          this.#command('refresh'),
        ),
      )
    }
    if (!token.enabled) {
      const next = this.#isInUse ? [] : this.#revocation
      found.push(
        this.#finding(
          'disabled',
          `It opens nothing. ${this.#lastUsed}${this.#isInUse ? '' : this.#unrevokable(next)}`,
          next,
        ),
      )
    }
    return found
  }

  /** Whether it was used, and whether anything names it. */
  use(): Finding[] {
    const {token, facts, naming} = this
    const isNamed = naming.names(token)
    const found: Finding[] = []
    if (token.enabled && !hasExpired(token, facts.now)) {
      if (this.#last === undefined && !this.#isYoung) {
        const why = `It ${this.#age} and was never seen by Cloudflare.`
        found.push(
          isNamed
            ? this.#finding('referenced-never-used', why, this.#command('disable'))
            : this.#finding(
                'never-used',
                why,
                this.#canJudgeNames ? this.#revocation : this.#command('disable'),
              ),
        )
      } else if (this.#last !== undefined && !this.#isInUse) {
        found.push(this.#finding('unused', this.#lastUsed, this.#command('disable')))
      }
    }
    if (!isNamed && this.#canJudgeNames) {
      const mayGo = !this.#isInUse && !this.#isYoung
      const why = this.#isInUse
        ? `${this.#lastUsed} ${otherWayOf(facts)}`
        : `It opens nothing by its name. ${this.#lastUsed}`
      found.push(this.#finding('unreferenced', why, mayGo ? this.#revocation : []))
    }
    return found
  }

  secretElsewhere(): Finding[] {
    if (!this.token.enabled || hasExpired(this.token, this.facts.now)) return []
    return [
      this.#finding(
        'token-without-secret',
        'Commands on this machine cannot use it.',
        this.#command('import'),
      ),
    ]
  }

  get #isInUse(): boolean {
    return this.#last !== undefined && this.#last >= this.record.tokensSince
  }

  /** Made within the time after which a token counts as unused. */
  get #isYoung(): boolean {
    return Date.parse(this.token.createdAt ?? '') > this.record.tokensSince
  }

  get #age(): string {
    const {createdAt} = this.token
    return createdAt === undefined ? 'exists' : `was created on ${createdAt.slice(0, 10)}`
  }

  get #lastUsed(): string {
    return this.#last === undefined ? 'It was never used.' : `It was last used on ${dateOf(this.#last)}.`
  }

  /** What names it may be in what could not be read. */
  get #canJudgeNames(): boolean {
    return this.facts.unread.length === 0 && this.facts.zones.unread.length === 0
  }

  /** The command that deletes it; none where it would be refused. */
  get #revocation(): string[] {
    if (this.naming.obstacle(this.token) !== undefined) return []
    return this.#command('revoke', ...(this.naming.names(this.token) ? ['--detach'] : []))
  }

  #unrevokable(next: readonly string[]): string {
    const obstacle = this.naming.obstacle(this.token)
    if (next.length > 0 || obstacle === undefined || this.#zone !== undefined) return ''
    return ` It cannot be revoked yet: ${lower(obstacle)}`
  }

  get #zone(): string | undefined {
    return this.facts.zones.of(this.token.id)
  }

  /** None for a token of a zone: zt changes those of the account. */
  #command(verb: string, ...flags: string[]): string[] {
    if (this.#zone !== undefined) return []
    return [ztCommand(this.facts.say, 'token', verb, this.reference(this.token), ...flags)]
  }

  #finding(kind: FindingKind, why: string, next: string[]): Finding {
    const where = this.#zone === undefined ? '' : ` It belongs to ${this.#zone}: change it in the dashboard.`
    return finding(kind, this.#subject, why + where, {next})
  }
}

function lower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1)
}

/** `1 day`, `3 days`. */
function counted(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`
}

/** All but the oldest of those with the same name in the account, or in one of its zones. */
function duplicates({tokens, say, zones}: AuditFacts): Finding[] {
  const byName = new Map<string, ServiceToken[]>()
  for (const token of tokens) {
    const key = zones.of(token.id) === undefined ? token.name : `${token.name}\n${zones.of(token.id) ?? ''}`
    const same = byName.get(key)
    if (same) same.push(token)
    else byName.set(key, [token])
  }
  return [...byName.values()].flatMap((same) => {
    const [{name, id: one} = {name: '', id: ''}] = same
    if (same.length === 1) return []
    const [oldest, ...others] = [...same].sort(
      (a, b) => compare(a.createdAt ?? '', b.createdAt ?? '') || compare(a.id, b.id),
    )
    return others.map(({id}, at) => {
      const free = freeName(`${name}-${at + 2}`, byName)
      const next =
        canBePasted(free) && zones.of(one) === undefined ? [ztCommand(say, 'token', 'rename', id, free)] : []
      return finding(
        'duplicate-name',
        {token: {id, name}},
        `Its ID is ${id}; the other is ${oldest?.id ?? ''}.`,
        {next},
      )
    })
  })
}

function freeName(wanted: string, taken: ReadonlyMap<string, unknown>): string {
  return taken.has(wanted) ? freeName(`${wanted}-2`, taken) : wanted
}

/** By code points: the same order on every machine. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Secrets of tokens that are gone, and previous secrets that still work. */
function ofSecretsHere(facts: AuditFacts): Finding[] {
  const {gone, stored, tokens, now, say, zones} = facts
  const byId = new Map(tokens.map((token) => [token.id, token]))
  return [
    ...(typeof gone === 'string' ? [] : gone).map(({tokenId: id, name, store}) => {
      const why = `The ${store} has its secret, but no service token has the ID ${id}.`
      return finding('secret-without-token', {token: {id, name}}, why, {
        next: [ztCommand(say, 'token', 'revoke', id)],
      })
    }),
    ...stored.flatMap(({tokenId, previousUntil}) => {
      const token = zones.of(tokenId) === undefined ? byId.get(tokenId) : undefined
      if (!token || previousUntil === undefined || Date.parse(previousUntil) <= now) return []
      return [
        finding(
          'previous-secret',
          {token: {id: token.id, name: token.name}},
          `It works until ${previousUntil}, as far as this machine knows.`,
          {next: [ztCommand(say, 'token', 'rotate', referrerOf(facts)(token), '--finish')]},
        ),
      ]
    }),
  ]
}

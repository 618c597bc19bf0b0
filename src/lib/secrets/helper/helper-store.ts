import * as v from 'valibot'
import {UserError} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {Secret} from '../../core/secret.js'
import {childEnvironment} from '../child-environment.js'
import {probeSecretService, type BusEnvironment} from '../keychain/probe.js'
import {accountName, keyOf} from '../keys.js'
import type {SecretKey, SecretStore, StoreStatus} from '../types.js'
import {findHelper} from './find-helpers.js'
import {complaintOf, type Complaint} from './messages.js'
import {runHelper, type HelperAnswer, type RunHelper} from './run-helper.js'
import {unwrap, wrap} from './value.js'

export interface HelperOptions {
  /** `NAME` of `docker-credential-NAME`. */
  name: string
  environment: BusEnvironment
  /** Default: this process's PATH. */
  searchPath?: string | undefined
  /** True where a person can answer what the helper asks (a pinentry); it is then given a minute. */
  interactive?: boolean | undefined
  /** True where nobody may be asked anything at all. */
  quiet?: boolean | undefined
  deadlineMs?: number | undefined
}

const DEADLINE_MS = 3000
const PATIENT_DEADLINE_MS = 60_000
/** A scheme, a host and a path: what every helper takes for an address. Nothing is ever sent there. */
const ADDRESS = 'https://zt.local/'
/** Always the same: some helpers keep an older entry of another name, and give that back. */
const USERNAME = 'zt'
/** An id that no entry has. */
const NOBODY = `${ADDRESS}service-token/none`

const credentialSchema = v.object({
  ServerURL: v.optional(v.string()),
  Username: v.string(),
  Secret: v.string(),
})
const listSchema = v.record(v.string(), v.string())

/** A program that speaks the docker-credential-helpers protocol: pass, secretservice, osxkeychain, wincred and others. */
export class HelperStore implements SecretStore {
  readonly kind: `helper:${string}`
  readonly label: string
  readonly writable = true
  readonly readable = true
  readonly #options: HelperOptions
  readonly #program: string
  /** Once it has hung it is not waited for again: waits must not add up. */
  #hung: UserError | undefined

  constructor(options: HelperOptions) {
    this.#options = options
    this.kind = `helper:${options.name}`
    this.#program = `docker-credential-${options.name}`
    this.label = `the credential helper ${this.#program}`
  }

  async status(): Promise<StoreStatus> {
    if ((await this.#find()) === undefined) {
      return {
        state: 'absent',
        why: `There is no program ${this.#program} on PATH.`,
        next: [`Install ${this.#program}, or use another store: zt store list`],
      }
    }
    const keyring = await this.#keyring()
    if (keyring && keyring.state !== 'ready') return keyring
    try {
      // Neither opens an entry, so nobody need be asked, and nobody is waited for.
      await this.#addresses(patient(DEADLINE_MS))
      await this.#checkInitialised()
      return {state: 'ready', why: undefined, next: []}
    } catch (error) {
      if (!(error instanceof UserError)) throw error
      return {
        state: error.details['state'] === 'locked' ? 'locked' : 'broken',
        why: error.why,
        next: [...error.next],
      }
    }
  }

  async get(key: SecretKey): Promise<Secret | undefined> {
    const address = addressOf(key)
    const answer = await this.#call('get', address)
    if (answer === undefined) return undefined
    const credential = parse(credentialSchema, answer)
    if (!credential || (credential.ServerURL ?? address) !== address)
      throw this.#error('it answered with something else than what it was asked for')
    // Some say nothing by an entry that is empty.
    if (credential.Secret === '') return undefined
    if (credential.Username !== USERNAME)
      throw this.#error(`what it keeps there was not saved by zt (its user is not "${USERNAME}")`)
    const value = unwrap(credential.Secret)
    if (value === undefined) throw this.#error('what it keeps there is damaged')
    return new Secret(value)
  }

  async has(key: SecretKey): Promise<boolean> {
    const address = addressOf(key)
    return (await this.#addresses()).includes(address)
  }

  async list(): Promise<SecretKey[]> {
    const names = (await this.#addresses()).filter((one) => one.startsWith(ADDRESS))
    return names.flatMap((one) => keyOf(one.slice(ADDRESS.length)) ?? [])
  }

  async set(key: SecretKey, value: Secret): Promise<void> {
    const credential = {ServerURL: addressOf(key), Username: USERNAME, Secret: wrap(value.expose())}
    await this.#call('store', JSON.stringify(credential))
  }

  async delete(key: SecretKey): Promise<boolean> {
    // Helpers differ in what they say when there is nothing to erase.
    if (!(await this.has(key))) return false
    await this.#call('erase', addressOf(key))
    return true
  }

  removalCommand(key: SecretKey, platform: NodeJS.Platform = process.platform): string {
    // There the line's end comes with it, which helpers leave out.
    const say = platform === 'win32' ? 'echo' : 'printf %s'
    return `${say} ${addressOf(key)} | ${this.#program} erase`
  }

  async #addresses(atMostMs?: number): Promise<string[]> {
    const answer = await this.#call('list', '', atMostMs)
    if (answer === undefined) return []
    const listed = parse(listSchema, answer)
    if (!listed) throw this.#error('its list of entries cannot be read')
    return Object.keys(listed)
  }

  /** `pass` lists nothing, without an error, before it has been initialised; it says so when it is to erase. */
  async #checkInitialised(): Promise<void> {
    if (this.#options.name !== 'pass') return
    const complaint = complaintOf(await this.#run('erase', NOBODY, patient(DEADLINE_MS)))
    if (complaint?.code === 'not-initialised') throw this.#error(complaint.why, complaint)
  }

  /** The answer's text; undefined when the helper says that it has no such entry. */
  async #call(action: RunHelper['action'], input: string, atMostMs?: number): Promise<string | undefined> {
    const keyring = await this.#keyring()
    if (keyring && keyring.state !== 'ready') {
      throw this.#error(keyring.why ?? '', {state: keyring.state, next: keyring.next})
    }
    const answer = await this.#run(action, input, atMostMs)
    if (answer.end === 'exit' && answer.code === 0) return answer.stdout
    const complaint = complaintOf(answer)
    if (complaint.code === 'no-entry') return undefined
    throw this.#error(complaint.why, complaint)
  }

  async #run(action: RunHelper['action'], input: string, atMostMs = Infinity): Promise<HelperAnswer> {
    if (this.#hung) throw this.#hung
    const program = await this.#find()
    if (program === undefined) {
      throw this.#error(`There is no program ${this.#program} on PATH.`, {
        state: 'absent',
        next: [`Install ${this.#program}, or use another store: zt store list`],
      })
    }
    const {interactive = false} = this.#options
    const given = this.#options.deadlineMs ?? patient(interactive ? PATIENT_DEADLINE_MS : DEADLINE_MS)
    const deadlineMs = Math.min(given, atMostMs)
    const env = childEnvironment(this.#options.environment)
    // gpg fails then where it would ask for a passphrase (pass(1), gpg(1)).
    if (this.#options.quiet === true)
      env['PASSWORD_STORE_GPG_OPTS'] = `${env['PASSWORD_STORE_GPG_OPTS'] ?? ''} --pinentry-mode=error`.trim()
    const answer = await runHelper({program, action, input, deadlineMs, env})
    if (answer.end === 'deadline') {
      this.#hung = this.#error(
        `It was given ${deadlineMs / 1000} s. It may be waiting for a prompt that nobody sees.`,
        {next: [`Run it once in a terminal: ${this.#program} list`, 'Use another store: zt store list']},
      )
      throw this.#hung
    }
    return answer
  }

  /** The keyring behind this one asks, or hangs, while it is locked. Undefined for every other helper. */
  async #keyring(): Promise<StoreStatus | undefined> {
    if (this.#options.name !== 'secretservice') return undefined
    if (this.#hung) throw this.#hung
    const {hung, ...status} = await probeSecretService(this.#options.environment)
    if (hung) this.#hung = this.#error(status.why ?? '', {next: status.next})
    return status
  }

  #find(): Promise<string | undefined> {
    return findHelper(this.#options.name, this.#options.searchPath ?? process.env['PATH'])
  }

  #error(why: string, {state, next}: Partial<Pick<Complaint, 'state' | 'next'>> = {}): UserError {
    return new UserError({
      kind: 'needs-action',
      code: 'HELPER_FAILED',
      message: `${this.#program} cannot be used`,
      why: /[.)]$/.test(why) ? why : `It says: ${why}.`,
      next: next ?? [`Try it in a terminal: ${this.#program} list`, 'Use another store: zt store list'],
      details: {store: this.kind, state: state ?? 'broken'},
    })
  }
}

function addressOf(key: SecretKey): string {
  return `${ADDRESS}${accountName(key)}`
}

function parse<T>(schema: v.GenericSchema<unknown, T>, text: string): T | undefined {
  try {
    // Neither the parser's message nor the validator's may get out: both quote their input.
    return v.parse(schema, JSON.parse(text))
  } catch {
    return undefined
  }
}

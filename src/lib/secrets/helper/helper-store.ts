import * as v from 'valibot'
import {UserError} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {Secret} from '../../core/secret.js'
import {storeEnvironment} from '../../system/child-environment.js'
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
  /** True where a person can answer the helper's prompts (a pinentry): it then gets a minute. */
  interactive?: boolean | undefined
  /** True where the helper must not ask anyone. */
  quiet?: boolean | undefined
  deadlineMs?: number | undefined
}

const DEADLINE_MS = 3000
const PATIENT_DEADLINE_MS = 60_000
/** An address that every helper accepts. Nothing is ever sent there. */
const ADDRESS = 'https://zt.local/'
/** Always the same: with another name, some helpers keep the older entry and return that. */
const USERNAME = 'zt'
/** The address of no entry. */
const NO_ENTRY = `${ADDRESS}service-token/none`

const credentialSchema = v.object({
  ServerURL: v.optional(v.string()),
  Username: v.string(),
  Secret: v.string(),
})
const listSchema = v.record(v.string(), v.string())

/** A program that speaks the docker-credential-helpers protocol: pass, secretservice, osxkeychain, wincred, … */
export class HelperStore implements SecretStore {
  readonly kind: `helper:${string}`
  readonly label: string
  readonly writable = true
  readonly readable = true
  readonly #options: HelperOptions
  readonly #program: string
  /** After it has hung once, zt does not wait for it again: waits must not add up. */
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
      // Neither opens an entry, so there is no prompt to wait for.
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
      throw this.#error('it returned another entry than the one requested')
    // Some helpers return an empty entry when there is none.
    if (credential.Secret === '') return undefined
    if (credential.Username !== USERNAME)
      throw this.#error(`its entry was not saved by zt (the user is not "${USERNAME}")`)
    const value = unwrap(credential.Secret)
    if (value === undefined) throw this.#error('its entry is damaged')
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
    // Helpers answer differently when there is nothing to erase.
    if (!(await this.has(key))) return false
    await this.#call('erase', addressOf(key))
    return true
  }

  removalCommand(key: SecretKey, platform: NodeJS.Platform = process.platform): string {
    // echo adds the end of a line there, which helpers ignore.
    const say = platform === 'win32' ? 'echo' : 'printf %s'
    return `${say} ${addressOf(key)} | ${this.#program} erase`
  }

  async #addresses(atMostMs?: number): Promise<string[]> {
    const answer = await this.#call('list', '', atMostMs)
    if (answer === undefined) return []
    const listed = parse(listSchema, answer)
    if (!listed) throw this.#error('its list of entries is not valid')
    return Object.keys(listed)
  }

  /** Before it is initialised, `pass` lists nothing and reports no error; it reports one when asked to erase. */
  async #checkInitialised(): Promise<void> {
    if (this.#options.name !== 'pass') return
    const complaint = complaintOf(await this.#run('erase', NO_ENTRY, patient(DEADLINE_MS)))
    if (complaint?.code === 'not-initialised') throw this.#error(complaint.why, complaint)
  }

  /** The text of the answer; undefined when the helper says that there is no such entry. */
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
    const env = storeEnvironment(this.#options.environment)
    // gpg then fails instead of asking for a passphrase (pass(1), gpg(1)).
    if (this.#options.quiet === true)
      env['PASSWORD_STORE_GPG_OPTS'] = `${env['PASSWORD_STORE_GPG_OPTS'] ?? ''} --pinentry-mode=error`.trim()
    const answer = await runHelper({program, action, input, deadlineMs, env})
    if (answer.end === 'deadline') {
      this.#hung = this.#error(
        `It did not answer within ${deadlineMs / 1000} s. It may be waiting at a prompt that is not visible.`,
        {next: [`Run it once in a terminal: ${this.#program} list`, 'Use another store: zt store list']},
      )
      throw this.#hung
    }
    return answer
  }

  /** The state of the keyring behind this helper, which prompts or hangs while locked. Undefined for other helpers. */
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
    // The messages of the parser and the validator quote their input, so neither is shown.
    return v.parse(schema, JSON.parse(text))
  } catch {
    return undefined
  }
}

import {hasCode, messageOf} from '../../core/errors.js'
import {patient} from '../../core/patience.js'
import {posixPath} from '../../core/posix-path.js'
import type {StoreStatus} from '../types.js'
import {BUS, BusError, DBus} from './dbus.js'

/** The session bus, as the environment gives it. */
export interface BusEnvironment {
  dbusAddress?: string | undefined
  runtimeDir?: string | undefined
}

const SERVICE = 'org.freedesktop.secrets'
const SECRETS = {name: SERVICE, path: '/org/freedesktop/secrets', interface: 'org.freedesktop.Secret.Service'}
const DEADLINE_MS = 1500

/** The status of a Secret Service that cannot be used. */
type Unusable = ProbedStatus & {state: 'absent' | 'locked' | 'broken'}

/** `hung`: the whole deadline passed, and zt should not wait a second time. */
export interface ProbedStatus extends StoreStatus {
  hung?: true
}

const READY: StoreStatus = {state: 'ready', why: undefined, next: []}

/**
 * Asks the Secret Service whether it can be used, without a prompt and within 1.5 s. libsecret itself prompts, waits up to
 * 50 s, and answers "no such secret" while the keyring is locked, so it is used only when this says ready.
 */
export async function probeSecretService(
  environment: BusEnvironment,
  deadlineMs = patient(DEADLINE_MS),
): Promise<ProbedStatus> {
  return withBus<ProbedStatus>(
    environment,
    deadlineMs,
    async (bus) => (await askService(bus)) ?? READY,
    (status) => status,
  )
}

/**
 * The accounts that the Secret Service has for a service, as keytar writes them. No secret is opened. libsecret's own
 * search crashes while a keyring is locked.
 *
 * @returns the status instead, where the service cannot be asked
 */
export async function listAccounts(
  environment: BusEnvironment,
  service: string,
  deadlineMs = patient(DEADLINE_MS),
): Promise<{accounts: string[]} | {unusable: ProbedStatus}> {
  return withBus<{accounts: string[]} | {unusable: ProbedStatus}>(
    environment,
    deadlineMs,
    async (bus) => {
      const unusable = await askService(bus)
      if (unusable) return {unusable}
      const [unlocked, locked] = await bus.call(SECRETS, 'SearchItems', {service})
      const items = [...new Set([...strings(unlocked), ...strings(locked)])]
      const found = await Promise.all(items.map((path) => attributesOf(bus, path)))
      const accounts = found.flatMap((attributes) => {
        const account = attributes?.get('account')
        return attributes?.get('service') === service && typeof account === 'string' ? [account] : []
      })
      return {accounts: [...new Set(accounts)].sort()}
    },
    (unusable) => ({unusable}),
  )
}

/** Connects, asks and closes. Gives up at the deadline, even if a step hangs. */
async function withBus<T>(
  environment: BusEnvironment,
  deadlineMs: number,
  ask: (bus: DBus) => Promise<T>,
  unusable: (status: Unusable) => T,
): Promise<T> {
  let bus: DBus | undefined
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<T>((resolve) => {
    timer = setTimeout(() => {
      resolve(
        unusable({
          state: 'broken',
          why: `The keyring service did not answer within ${deadlineMs / 1000} s.`,
          next: ['Restart the keyring (log out and in again), or use --store vault'],
          hung: true,
        }),
      )
    }, deadlineMs)
  })
  const asked = (async (): Promise<T> => {
    try {
      bus = new DBus(busAddress(environment))
      await bus.greet()
    } catch (error) {
      const none = hasCode(error, 'ENOENT', 'ECONNREFUSED')
      return unusable({
        state: 'absent',
        why: none ? 'There is no session bus.' : `The session bus cannot be used: ${messageOf(error)}.`,
        next: ['Use --store vault, or run zt in a desktop session'],
      })
    }
    return ask(bus)
  })().catch((error: unknown): T =>
    unusable({
      state: 'broken',
      why: `The keyring service returned an error: ${messageOf(error)}.`,
      next: ['Use --store vault'],
    }),
  )
  try {
    return await Promise.race([asked, deadline])
  } finally {
    clearTimeout(timer)
    bus?.close()
  }
}

/** Undefined when the service can be used. */
async function askService(bus: DBus): Promise<Unusable | undefined> {
  const [owned] = await bus.call(BUS, 'NameHasOwner', SERVICE)
  if (owned !== true && !strings((await bus.call(BUS, 'ListActivatableNames'))[0]).includes(SERVICE)) {
    return {
      state: 'absent',
      why: 'No keyring service (Secret Service) runs in this session.',
      next: ['Install one, such as gnome-keyring or KWallet, or use --store vault'],
    }
  }
  const [collection] = await bus.call(SECRETS, 'ReadAlias', 'default')
  if (typeof collection !== 'string') throw new Error('it returned no keyring')
  if (collection === '/') {
    return {
      state: 'broken',
      why: 'The keyring service has no default keyring.',
      next: ['Create one, for example with seahorse, or use --store vault'],
    }
  }
  if (await isVolatile(bus, collection)) {
    return {
      state: 'broken',
      why: 'The default keyring is volatile (the session collection): it is in memory, and its secrets are lost at the next logout.',
      next: ['Create a permanent default keyring, for example with seahorse, or use --store vault'],
    }
  }
  if ((await property(bus, collection, 'org.freedesktop.Secret.Collection', 'Locked')) !== false) {
    return {
      state: 'locked',
      why: 'The keyring is locked.',
      next: ['Unlock it (log in to the desktop, or open it in seahorse), or use --store vault'],
    }
  }
  return undefined
}

/** The specification keeps the alias and the name `session` for a collection that is never written to disk. */
async function isVolatile(bus: DBus, collection: string): Promise<boolean> {
  if (collection.endsWith('/collection/session')) return true
  try {
    return (await bus.call(SECRETS, 'ReadAlias', 'session'))[0] === collection
  } catch (error) {
    // The alias is optional.
    if (error instanceof BusError) return false
    throw error
  }
}

/** Undefined for an item that was deleted meanwhile. */
async function attributesOf(bus: DBus, path: string): Promise<Map<unknown, unknown> | undefined> {
  try {
    const attributes = await property(bus, path, 'org.freedesktop.Secret.Item', 'Attributes')
    return attributes instanceof Map ? attributes : undefined
  } catch (error) {
    if (error instanceof BusError && /\.(NoSuchObject|Unknown(Object|Method|Interface))$/.test(error.message))
      return undefined
    throw error
  }
}

async function property(bus: DBus, path: string, of: string, name: string): Promise<unknown> {
  const target = {name: SERVICE, path, interface: 'org.freedesktop.DBus.Properties'}
  return (await bus.call(target, 'Get', of, name))[0]
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

function busAddress({dbusAddress, runtimeDir}: BusEnvironment): string {
  if (dbusAddress !== undefined && dbusAddress !== '') return dbusAddress
  const directory =
    runtimeDir !== undefined && runtimeDir !== ''
      ? runtimeDir
      : posixPath(`/run/user/${process.getuid?.() ?? 0}`)
  return `unix:path=${directory ?? ''}/bus`
}

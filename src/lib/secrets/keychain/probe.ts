import {hasCode, messageOf} from '../../core/errors.js'
import type {StoreStatus} from '../types.js'
import {BUS, DBus, readString, readStrings} from './dbus.js'

/** Where the session bus is; both as the environment gives them. */
export interface BusEnvironment {
  dbusAddress?: string | undefined
  runtimeDir?: string | undefined
}

const SERVICE = 'org.freedesktop.secrets'
const SECRETS = {name: SERVICE, path: '/org/freedesktop/secrets', interface: 'org.freedesktop.Secret.Service'}
const DEADLINE_MS = 1500

/**
 * Asks the Secret Service whether it can be used, without a prompt and within 1.5 s. libsecret itself prompts, waits
 * up to 50 s, and answers "no such secret" while the keyring is locked, so it is asked only when this says ready.
 */
export async function probeSecretService(
  environment: BusEnvironment,
  deadlineMs = DEADLINE_MS,
): Promise<StoreStatus> {
  let bus: DBus | undefined
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<StoreStatus>((resolve) => {
    timer = setTimeout(() => {
      resolve({
        state: 'broken',
        why: `The keyring's service does not answer within ${deadlineMs / 1000} s.`,
        next: ['Restart the keyring (log out and in again), or use --store vault'],
      })
    }, deadlineMs)
  })
  const asked = (async (): Promise<StoreStatus> => {
    try {
      bus = await DBus.connect(busAddress(environment))
    } catch (error) {
      const none = hasCode(error, 'ENOENT', 'ECONNREFUSED')
      return {
        state: 'absent',
        why: none ? 'There is no session bus.' : `The session bus cannot be used: ${messageOf(error)}.`,
        next: ['Use --store vault, or run zt in a desktop session'],
      }
    }
    return askService(bus)
  })().catch((error: unknown): StoreStatus => ({
    state: 'broken',
    why: `The keyring's service answers with an error: ${messageOf(error)}.`,
    next: ['Use --store vault'],
  }))
  try {
    return await Promise.race([asked, deadline])
  } finally {
    clearTimeout(timer)
    bus?.close()
  }
}

async function askService(bus: DBus): Promise<StoreStatus> {
  const owned = (await bus.call(BUS, 'NameHasOwner', SERVICE)).readUInt32LE(0) === 1
  if (!owned && !readStrings(await bus.call(BUS, 'ListActivatableNames')).includes(SERVICE)) {
    return {
      state: 'absent',
      why: 'No keyring service (Secret Service) runs in this session.',
      next: ['Install one, such as gnome-keyring or KWallet, or use --store vault'],
    }
  }
  const collection = readString(await bus.call(SECRETS, 'ReadAlias', 'default'))
  if (collection === '/') {
    return {
      state: 'broken',
      why: 'The keyring service has no default keyring.',
      next: ['Make one, for example with the program seahorse, or use --store vault'],
    }
  }
  const properties = {name: SERVICE, path: collection, interface: 'org.freedesktop.DBus.Properties'}
  const locked = await bus.call(properties, 'Get', 'org.freedesktop.Secret.Collection', 'Locked')
  // A variant: its signature ("b" with length and end), padding, then the boolean.
  if (locked.readUInt32LE(4) === 1) {
    return {
      state: 'locked',
      why: 'The keyring is locked.',
      next: ['Unlock it (log in to the desktop, or open it in seahorse), or use --store vault'],
    }
  }
  return {state: 'ready', why: undefined, next: []}
}

function busAddress({dbusAddress, runtimeDir}: BusEnvironment): string {
  if (dbusAddress !== undefined && dbusAddress !== '') return dbusAddress
  const directory =
    runtimeDir !== undefined && runtimeDir !== '' ? runtimeDir : `/run/user/${process.getuid?.() ?? 0}`
  return `unix:path=${directory}/bus`
}

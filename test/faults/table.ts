import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import type {KeyringFault} from '../support/fake-secret-service.js'
import type {Action, Rule} from './faulty-api.js'
import {recorded} from './kill/recording.js'
import {COMMANDS, RECOVER, type End, type Operation, type Scene} from './scene.js'
import {inNodeOptions} from '../support/node-options.js'

const run = promisify(execFile)

/** One fault applied to one command. */
export interface Case {
  /** How it is injected; if the fault itself cannot occur here, why this one replaces it. */
  how: string
  /** The secrets are in a faulty keyring instead of the vault. */
  keyring?: boolean
  spoil?: (scene: Scene) => void | Promise<void>
  /** The environment of commands while the fault lasts. */
  env?: NodeJS.ProcessEnv
  /** Instead of one run of the command. */
  run?: (scene: Scene, operation: Operation) => Promise<End[]>
  /** Between the command's end and the first recovery. */
  after?: (scene: Scene) => Promise<void>
  /** Ends what {@link Case.spoil} began, besides the faults of the API and the keyring. */
  lift?: (scene: Scene) => void | Promise<void>
  /** Whether the fault occurred; default: the API or the keyring has had one. */
  befell?: (scene: Scene, ends: End[]) => boolean | Promise<boolean>
}

export interface Row {
  fault: string
  create: Case
  rotate: Case
}

const POST = '/service_tokens'
const ONE = '/service_tokens/{id}'
const ROTATE = '/service_tokens/{id}/rotate'
const HOUR_MS = 3600_000
const SKEW_MS = 30 * HOUR_MS

const rule = (method: Rule['method'], where: string, action: Action, more: Partial<Rule> = {}): Rule => ({
  method,
  path: where,
  action,
  ...more,
})

/** Sets these rules for the API. */
const api = (how: string, ...rules: Rule[]): Case => ({
  how,
  spoil: (scene) => {
    scene.api.spoil(...rules)
  },
})

/** If something hangs, zt must give up after its usual limit. */
const USUAL = {ZT_PATIENCE: '1'}
const HANGS: readonly KeyringFault[] = ['hang', 'prompt-unanswered', 'prompt-dismissed']

/** The keyring does this after it has stored this many items. */
const ring = (how: string, mode: KeyringFault, when: {kind?: string; skip?: number} = {}): Case => ({
  how,
  keyring: true,
  spoil: (scene) => scene.keyring?.fail(mode, when),
  ...(HANGS.includes(mode) && {env: USUAL}),
})

const atSecret = {kind: 'service-token'}
/** It has the spool's key, and is asked for it. */
const amidRehearsal = {skip: 1}

/** The keyring does this once the API has made the secret. */
const ringAfter = (method: Rule['method'], where: string, mode: KeyringFault): Case => ({
  how: `when ${method} ${where} is done`,
  keyring: true,
  spoil: (scene) => {
    scene.api.spoil(rule(method, where, {do: 'pass'}, {then: () => scene.keyring?.fail(mode)}))
  },
})
const refused = (_: Scene, ends: End[]): boolean => ends.every(({code}) => code !== 0)
/** The store was checked and found unusable: nothing else exits with 9 before a request. */
const refusedStore = (scene: Scene, ends: End[]): boolean =>
  ends.every(({code}) => code === 9) && scene.api.changes.length === 0

const noBus = {DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent/bus'}
const noAddon = {NODE_OPTIONS: `--require ${inNodeOptions(path.join(import.meta.dirname, 'no-addon.cjs'))}`}

/** Dies after the API has carried out the request, and before the answer arrives. */
const killedAt = (method: Rule['method'], where: string, signal: NodeJS.Signals): Case => ({
  how: `${signal} while the answer to ${method} ${where} is awaited`,
  spoil: (scene) => {
    const strike = (): void => {
      scene.running?.kill(signal)
    }
    scene.api.spoil(rule(method, where, {do: 'hang'}, {times: 1, then: strike}))
  },
})

/** From then on the API accepts no token any more. */
const thenRefuseAll = (method: Rule['method'], where: string, action: Action): Case => ({
  how: `${method} ${where}: ${action.do}; from then on everything is refused with 401`,
  spoil: (scene) => {
    const cut = (): void => {
      scene.api.spoil(rule('*', '*', {do: 'refuse', status: 401}))
    }
    scene.api.spoil(rule(method, where, action, {times: 1, then: cut}))
  },
})

/** Someone else names the token in a policy as soon as it exists. */
const referred = (method: Rule['method'], where: string): Case => ({
  how: `the answer to ${method} ${where} is lost, and a policy names the token meanwhile`,
  spoil: (scene) => {
    const refer = (): void => {
      scene.refer(scene.state.data.serviceTokens.map(({object}) => object['id']))
    }
    scene.api.spoil(rule(method, where, {do: 'lose-answer'}, {times: 1, then: refer}))
  },
  lift: (scene) => {
    scene.state.data.policies = []
  },
})

/** Killed while the secret is in the spool but not yet in the store; then the spool's key is deleted. */
const keyMissing: Case = {
  how: 'SIGKILL before the store is written to; then its spool key is removed',
  run: async (scene, operation) => {
    const death = {label: /^open DATA\/zt\/vault\/\.service-token/, phase: 'before'} as const
    return [(await recorded(scene, COMMANDS[operation], death)).end]
  },
  after: async (scene) => {
    for (const key of (await scene.vault.list()).filter(({kind}) => kind === 'spool-key'))
      await scene.vault.delete(key)
  },
  befell: (_, [end]) => end?.signal === 'SIGKILL',
}

/** Two processes for the same name, at the same time. */
const twoAtOnce: Case = {
  how: 'two processes, started together',
  run: async (scene, operation) =>
    Promise.all([scene.run(COMMANDS[operation]), scene.run(COMMANDS[operation])]),
  // One makes it; the other must not repeat it unasked, or says why not.
  befell: (_, ends) =>
    ends.length === 2 && ends.some(({code}) => code === 0) && ends.some(({code}) => code !== 0),
}

/**
 * A journal on a separate file system. If this user may not mount one, a file in its place simulates a disk that
 * takes nothing.
 */
const journalOn = (how: string, options: string): Case => ({
  how,
  spoil: async ({journalDir}) => {
    await fs.mkdir(path.dirname(journalDir), {recursive: true})
    await fs.mkdir(journalDir, {mode: 0o700})
    await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', journalDir]).catch(async () => {
      await fs.rmdir(journalDir)
      await fs.writeFile(journalDir, '')
    })
  },
  lift: async ({journalDir}) => {
    const mounted = (await fs.stat(journalDir)).isDirectory()
    // The contents of that disk are still there when it has room again.
    if (mounted) {
      await fs.cp(journalDir, `${journalDir}-left`, {recursive: true})
      await run('umount', [journalDir])
    }
    await fs.rm(journalDir, {recursive: true, force: true})
    if (mounted) await fs.rename(`${journalDir}-left`, journalDir)
  },
  befell: refused,
})

/** The 32 faults, in order, on both commands: each must end with the secret safe, or with no token that works. */
export const TABLE: Row[] = [
  {
    fault: 'no bus',
    create: {how: 'the bus address leads nowhere', keyring: true, env: noBus, befell: refusedStore},
    rotate: {how: 'the bus address leads nowhere', keyring: true, env: noBus, befell: refusedStore},
  },
  {
    fault: 'no service',
    create: {
      how: 'nothing owns the name on the bus',
      keyring: true,
      spoil: (scene) => scene.keyring?.stop(),
      befell: refusedStore,
    },
    rotate: {
      how: 'the service ends while the request is under way',
      keyring: true,
      spoil: (scene) => {
        scene.api.spoil(rule('POST', ROTATE, {do: 'pass'}, {then: () => scene.keyring?.stop()}))
      },
    },
  },
  {
    fault: 'no collection',
    create: ring('it goes amid the rehearsal', 'no-collection', amidRehearsal),
    rotate: ringAfter('POST', ROTATE, 'no-collection'),
  },
  {
    fault: 'locked',
    create: ringAfter('POST', POST, 'locked'),
    rotate: ring('it locks itself amid the rehearsal', 'locked', amidRehearsal),
  },
  {
    fault: 'prompt unanswered',
    create: ring('for the Client Secret', 'prompt-unanswered', atSecret),
    rotate: ring('for the Client Secret', 'prompt-unanswered', atSecret),
  },
  {
    fault: 'prompt dismissed',
    create: ring('for the Client Secret', 'prompt-dismissed', atSecret),
    rotate: ring('for the Client Secret', 'prompt-dismissed', atSecret),
  },
  {
    fault: 'daemon stopped',
    create: ring('it hangs amid the rehearsal', 'hang', amidRehearsal),
    rotate: {
      how: 'SIGSTOP while the request is under way',
      keyring: true,
      env: USUAL,
      spoil: (scene) => {
        const stop = (): void => scene.keyring?.signal('SIGSTOP')
        scene.api.spoil(rule('POST', ROTATE, {do: 'pass'}, {then: stop}))
      },
    },
  },
  {
    fault: 'daemon killed mid-write',
    create: ring('before it has kept the Client Secret', 'exit-before', atSecret),
    rotate: ring('when it has kept the Client Secret, before it says so', 'exit-after', atSecret),
  },
  {
    fault: 'addon fails to load',
    create: {how: 'keytar throws when it is loaded', keyring: true, env: noAddon, befell: refusedStore},
    rotate: {how: 'keytar throws when it is loaded', keyring: true, env: noAddon, befell: refusedStore},
  },
  {
    fault: 'write says OK but stores nothing',
    create: ring('the Client Secret', 'forget', atSecret),
    rotate: ring('the Client Secret', 'forget', atSecret),
  },
  {
    fault: 'corrupt read-back',
    create: ring('one character of the Client Secret', 'corrupt', atSecret),
    rotate: ring('one character of the Client Secret', 'corrupt', atSecret),
  },
  {
    fault: 'volatile backend',
    create: ring('the default collection is "session"', 'volatile'),
    rotate: ring('the default collection is "session"', 'volatile'),
  },
  {
    fault: 'POST timeout with the token created',
    create: {...api('no answer ever comes', rule('POST', POST, {do: 'hang'})), env: USUAL},
    rotate: {...api('no answer ever comes', rule('POST', ROTATE, {do: 'hang'})), env: USUAL},
  },
  {
    fault: 'reset after create',
    create: api('instead of an answer', rule('POST', POST, {do: 'lose-answer'})),
    rotate: api(
      'before the API hears of it: the client cannot tell, and takes nothing back that was not done',
      rule('POST', ROTATE, {do: 'reset'}),
    ),
  },
  {
    fault: '502 after create',
    create: api('instead of an answer', rule('POST', POST, {do: 'bad-gateway'})),
    rotate: api('instead of an answer', rule('POST', ROTATE, {do: 'bad-gateway'})),
  },
  {
    fault: 'truncated JSON',
    create: api('half of the answer', rule('POST', POST, {do: 'truncate'})),
    rotate: api('half of the answer', rule('POST', ROTATE, {do: 'truncate'})),
  },
  {
    fault: '200 without client_secret',
    create: api('the answer lacks it', rule('POST', POST, {do: 'strip-secret'})),
    rotate: api('the answer lacks it', rule('POST', ROTATE, {do: 'strip-secret'})),
  },
  {
    fault: '401/403 mid-flow',
    create: thenRefuseAll('PUT', ONE, {do: 'refuse', status: 403}),
    rotate: thenRefuseAll('POST', ROTATE, {do: 'lose-answer'}),
  },
  {
    fault: '429',
    create: api(
      'a short pause before the list, an hour before the enabling',
      rule('GET', POST, {do: 'rate-limit', retryAfter: 1}, {times: 1}),
      rule('PUT', ONE, {do: 'rate-limit', retryAfter: 3600}),
    ),
    rotate: api('an hour before the rotation', rule('POST', ROTATE, {do: 'rate-limit', retryAfter: 3600})),
  },
  {
    fault: 'roll-back DELETE fails',
    create: {
      how: 'the store fails, and then the API',
      keyring: true,
      spoil: async (scene) => {
        await scene.keyring?.fail('fail', atSecret)
        scene.api.spoil(rule('DELETE', ONE, {do: 'refuse', status: 500}))
      },
      befell: (scene) => scene.api.hits > 0,
    },
    rotate: {
      how: 'nothing is deleted by a rotation; its way back is a PUT: the store fails, and the PUT',
      keyring: true,
      spoil: async (scene) => {
        await scene.keyring?.fail('fail', atSecret)
        scene.api.spoil(rule('PUT', ONE, {do: 'refuse', status: 500}))
      },
    },
  },
  {
    fault: '12139 on delete',
    create: referred('POST', POST),
    // A rotation deletes nothing: the reference must not prevent the undo.
    rotate: referred('POST', ROTATE),
  },
  {
    fault: 'enabling PUT fails',
    create: api('with 500, every time', rule('PUT', ONE, {do: 'refuse', status: 500})),
    rotate: api(
      'a rotation enables nothing; the PUT that takes it back fails, after the answer was lost',
      rule('POST', ROTATE, {do: 'lose-answer'}),
      rule('PUT', ONE, {do: 'refuse', status: 500}),
    ),
  },
  {
    fault: 'kill -9 at every step',
    // All the other steps are in kill.test.ts.
    create: killedAt('POST', POST, 'SIGKILL'),
    rotate: killedAt('POST', ROTATE, 'SIGKILL'),
  },
  {
    fault: 'kill during recovery',
    create: {
      ...killedAt('POST', POST, 'SIGKILL'),
      after: async (scene) => {
        await scene.age()
        await killedAt('DELETE', ONE, 'SIGKILL').spoil?.(scene)
        await scene.run(RECOVER)
      },
      befell: (scene) => scene.api.hits === 2,
    },
    rotate: {
      ...killedAt('POST', ROTATE, 'SIGKILL'),
      after: async (scene) => {
        await scene.age()
        await killedAt('PUT', ONE, 'SIGKILL').spoil?.(scene)
        await scene.run(RECOVER)
      },
      befell: (scene) => scene.api.hits === 2,
    },
  },
  {fault: 'two processes with one name', create: twoAtOnce, rotate: twoAtOnce},
  {
    fault: 'disk full or read-only spool',
    create: journalOn('the disk has room for an intent and a spool, and none for more', 'size=8k,mode=700'),
    rotate: journalOn('the file system is read-only', 'size=64k,mode=700,ro'),
  },
  {
    fault: 'rotate answer lost',
    create: api(
      "create's, and no list either",
      rule('POST', POST, {do: 'lose-answer'}),
      // The first looks for the name, before the POST.
      rule('GET', POST, {do: 'reset'}, {from: 2}),
    ),
    rotate: api('the connection is cut', rule('POST', ROTATE, {do: 'lose-answer'})),
  },
  {
    fault: 'clock skew over the grace period',
    create: {
      how: "Cloudflare's clock is 30 h ahead, and the answer is lost",
      spoil: (scene) => {
        scene.setClockAhead(SKEW_MS)
        scene.api.spoil(rule('POST', POST, {do: 'lose-answer'}))
      },
    },
    rotate: {
      how: "Cloudflare's clock is 30 h ahead of zt's, the grace is 24 h, and the new secret cannot be stored",
      keyring: true,
      spoil: async (scene) => {
        scene.setClockAhead(SKEW_MS)
        await scene.keyring?.fail('fail', atSecret)
      },
    },
  },
  {
    fault: 'Ctrl-C during a hang',
    create: killedAt('POST', POST, 'SIGINT'),
    rotate: killedAt('POST', ROTATE, 'SIGINT'),
  },
  {
    fault: 'stale fallback value',
    create: ring(
      'there is no older value of a new token: it gives back the first that it ever kept',
      'stale',
      atSecret,
    ),
    rotate: ring('it gives back the secret before', 'stale', atSecret),
  },
  {fault: 'spool key missing', create: keyMissing, rotate: keyMissing},
  {
    fault: 'listing paginated or lagging',
    create: {
      how: 'the answer is lost; lists have two pages and show a new token at the sixth time',
      spoil: (scene) => {
        scene.crowd(150)
        scene.api.spoil(rule('POST', POST, {do: 'lose-answer'}), rule('GET', POST, {do: 'lag', lists: 5}))
      },
    },
    rotate: {
      how: 'the token is on the second page, and the answer is lost',
      spoil: (scene) => {
        scene.crowd(150)
        scene.api.spoil(rule('POST', ROTATE, {do: 'lose-answer'}))
      },
    },
  },
]

/** Further faults of proxies and gateways. */
export const MORE: Row[] = [
  {
    fault: 'a login page instead of an answer',
    create: api('with 200', rule('POST', POST, {do: 'garbage'})),
    rotate: api('with 200', rule('POST', ROTATE, {do: 'garbage'})),
  },
  {
    fault: 'a request that arrives twice',
    create: api('a gateway sends it again', rule('POST', POST, {do: 'twice'})),
    rotate: api('a gateway sends it again', rule('POST', ROTATE, {do: 'twice'})),
  },
  {
    fault: 'a list that ignores the page',
    create: {
      how: 'two pages, and always the first comes',
      spoil: (scene) => {
        scene.crowd(150)
        scene.api.spoil(rule('GET', POST, {do: 'first-page'}))
      },
    },
    rotate: {
      how: 'two pages, and always the first comes',
      spoil: (scene) => {
        scene.crowd(150)
        scene.api.spoil(rule('GET', POST, {do: 'first-page'}))
      },
    },
  },
  {
    fault: 'errors that pass',
    create: api(
      'the enabling fails twice',
      rule('PUT', ONE, {do: 'refuse', status: 503}, {times: 1}),
      rule('PUT', ONE, {do: 'lose-answer'}, {times: 1}),
    ),
    rotate: api('reading fails twice', rule('GET', ONE, {do: 'refuse', status: 503}, {times: 2})),
  },
  {
    fault: 'half of an answer to the last request',
    create: api('the enabling', rule('PUT', ONE, {do: 'truncate'})),
    rotate: api(
      'the PUT that takes a lost rotation back',
      rule('POST', ROTATE, {do: 'lose-answer'}),
      rule('PUT', ONE, {do: 'truncate'}),
    ),
  },
  {
    fault: 'the answer to the way back is lost',
    create: api(
      'deleting, after the answer to the creation was lost',
      rule('POST', POST, {do: 'lose-answer'}),
      rule('DELETE', ONE, {do: 'lose-answer'}, {times: 1}),
    ),
    rotate: api(
      'taking back, after the answer to the rotation was lost',
      rule('POST', ROTATE, {do: 'lose-answer'}),
      rule('PUT', ONE, {do: 'lose-answer'}, {times: 1}),
    ),
  },
  {
    fault: 'the keyring never keeps anything again',
    create: ring('from the Client Secret on, its recovery included', 'fail'),
    rotate: ringAfter('POST', ROTATE, 'fail'),
  },
]

import fs from 'node:fs/promises'
import path from 'node:path'
import {randomUUID} from 'node:crypto'
import {beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {hashSecret, newSecret, type StoredToken} from '../../src/lib/sandbox/state.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {recorded} from './kill/recording.js'
import {COMMANDS, RECOVER, Scene} from './scene.js'
import {sumUp, type Tally} from './tally.js'
import {faultsOf, formsOf} from './verdict.js'

let scene: Scene

beforeAll(async () => {
  scene = await Scene.open()
  return () => scene.close()
})
beforeEach(() => scene.reset())

function ci(): StoredToken {
  const token = scene.state.data.serviceTokens.find(({object}) => object['name'] === 'ci')
  if (!token) throw new Error('there is no "ci"')
  return token
}

function made(name: string, enabled: boolean): string {
  const id = randomUUID()
  const object = {...ci().object, id, name, enabled, client_id: `${id}.access`}
  scene.state.data.serviceTokens.push({object, secretHash: hashSecret(newSecret())})
  return id
}

const leave = async (name: string, text: string): Promise<void> => {
  await fs.mkdir(scene.journalDir, {recursive: true})
  await fs.writeFile(path.join(scene.journalDir, name), text)
}

const intent = (more: object): string =>
  JSON.stringify({
    version: 1,
    id: randomUUID(),
    kind: 'create',
    profile: 'default',
    accountId: scene.state.accountId,
    apiUrl: scene.api.url,
    store: 'vault',
    name: 'new',
    startedAt: new Date().toISOString(),
    ...more,
  })

/** States made by hand in which no case may end, and the findings that they must give. */
const GUILTY: [string, RegExp, () => Promise<void> | void][] = [
  ['an enabled token without a secret', /^lost: "new" works, and no copy/, () => void made('new', true)],
  ['an enabled token that is in no index', /^orphaned: "new" works/, () => void made('new', true)],
  ['an unfinished token', /^orphaned: "new~zt-x" is still/, () => void made('new~zt-x', false)],
  [
    'an unfinished token that works',
    /^orphaned: "new~zt-x" is enabled under/,
    () => void made('new~zt-x', true),
  ],
  [
    'a token of this machine that is gone',
    /^lost: "ci" was there before/,
    () => {
      scene.state.data.serviceTokens = scene.state.data.serviceTokens.filter((one) => one !== ci())
    },
  ],
  [
    'a token of this machine with another secret',
    /^lost: "ci" works, and no copy/,
    () => {
      ci().secretHash = hashSecret(newSecret())
    },
  ],
  [
    'a stored secret that works for its grace period only',
    /^lost: the secret that is stored for "ci" opens nothing, or will soon/,
    () => {
      const until = new Date(Date.now() + 24 * 3600_000).toISOString()
      ci().previous = {secretHash: ci().secretHash, until}
      ci().secretHash = hashSecret(newSecret())
    },
  ],
  [
    'a stored secret that is damaged',
    /^lost: "ci" works, and no copy/,
    async () => {
      const [key] = (await scene.vault.list()).filter(({kind}) => kind === 'service-token')
      await fs.writeFile(path.join(scene.vaultDir, `service-token-${key?.id ?? ''}.age`), 'x')
    },
  ],
  [
    'a stored secret of a token that is no more',
    /^unsettled: the store holds a secret of/,
    async () => {
      const kept = await scene.vault.get({kind: 'service-token', id: String(ci().object['id'])})
      if (kept) await scene.vault.set({kind: 'service-token', id: 'gone'}, kept)
    },
  ],
  ['an index without its token', /^unsettled: the index knows/, async () => {
    const [entry] = await new IndexFiles(scene.dataDir).list()
    if (entry) await new IndexFiles(scene.dataDir).put({...entry, tokenId: 'gone'})
  }], // prettier-ignore
  ['a spool', /^remnants: a spool: x\.spool/, () => leave('x.spool', '')],
  [
    "a spool's key",
    /^remnants: a spool's key: x/,
    async () => {
      const kept = await scene.vault.get({kind: 'api-token', id: 'default'})
      if (kept) await scene.vault.set({kind: 'spool-key', id: 'x'}, kept)
    },
  ],
  ['an intent', /^unsettled: an intent: x\.json/, () => leave('x.json', intent({}))],
  [
    "another's token that was disabled",
    /^touched: "of somebody else"/,
    () => {
      for (const {object} of scene.state.data.serviceTokens)
        if (object['name'] === 'of somebody else') object['enabled'] = false
    },
  ],
  [
    'a token of this machine that was disabled',
    /^touched: enabled of "ci"/,
    () => {
      ci().object['enabled'] = false
    },
  ],
]

describe('the verdict', () => {
  it('finds nothing where nothing is wrong, before and after each command', async () => {
    expect(faultsOf(await scene.judge(true))).toEqual([])
    for (const args of [COMMANDS.create, COMMANDS.rotate, RECOVER]) {
      expect((await scene.run(args)).code).toBe(0)
      expect(faultsOf(await scene.judge(true))).toEqual([])
    }
  })

  it.each(GUILTY)('finds %s', async (_, guilty, spoil) => {
    await spoil()
    await scene.state.save()
    expect(faultsOf(await scene.judge(true))).toContainEqual(expect.stringMatching(guilty))
  })

  it('finds a secret in any file, however it is written', async () => {
    const {clientSecret} = JSON.parse((await scene.run([...COMMANDS.create, '--reveal'])).stdout) as {
      clientSecret: string
    }
    const wrapped = [clientSecret, encodeURIComponent(`s=${clientSecret}`), `{"secret":"${clientSecret}"}`]
    const written = [
      ...wrapped,
      ...wrapped.map((text) => Buffer.from(text).toString('hex')),
      ...['', 'a', 'ab', 'abc'].map((before) =>
        Buffer.from(`${before}${clientSecret}: the end`).toString('base64'),
      ),
    ]
    expect(written.length).toBeGreaterThan(formsOf(clientSecret).length)
    const file = path.join(scene.home, 'CACHE', 'some', 'log')
    await fs.mkdir(path.dirname(file), {recursive: true})
    for (const text of written) {
      await fs.writeFile(file, `before ${text} after`)
      expect(faultsOf(await scene.judge(true)), text.slice(0, 8)).toEqual([
        `remnants: a secret in plain text in ${path.relative(scene.home, file)}`,
      ])
    }
    await fs.rm(file)
    expect(faultsOf(await scene.judge(true))).toEqual([])
  })

  it('sees who is cut off while a rotation is open, though its new secret is in the spool', async () => {
    await recorded(scene, COMMANDS.rotate, {label: /^open DATA\/zt\/vault\/\.service-token/, phase: 'before'})
    expect(faultsOf(await scene.judge(false))).toEqual([])
    const {previous} = ci()
    if (previous) previous.until = new Date().toISOString()
    await scene.state.save()
    expect(faultsOf(await scene.judge(false))).toEqual([
      'lost: "ci" is cut off: what is stored for it opens nothing now',
    ])
  })

  it('excuses what a journal still knows of, and what is lost in spite of it not', async () => {
    const id = randomUUID()
    made(`new~zt-${id}`, false)
    await leave(`${id}.json`, intent({id, sentAt: new Date().toISOString()}))
    expect(faultsOf(await scene.judge(false))).toEqual([])
    ci().secretHash = hashSecret(newSecret())
    await scene.state.save()
    expect(faultsOf(await scene.judge(false))).toEqual([
      'lost: "ci" works, and no copy of its secret is left',
    ])
  })

  it('sees a command that prints a secret, ends as a bug or hangs', async () => {
    const revealed = await scene.run([...COMMANDS.create, '--reveal'])
    expect(scene.misconduct(revealed)).toEqual(['it printed a secret'])
    expect(scene.misconduct({...revealed, stdout: '', code: 1})).toHaveLength(1)
    expect(scene.misconduct({...revealed, stdout: '', hung: true})).toEqual(['it hung'])
  })
})

describe('the summary', () => {
  const table = (count: number, wrong: string[] = []): Tally[] =>
    Array.from({length: count}, (_, at) => ({kind: 'table', name: `${at}`, wrong}))
  const recording: Tally = {kind: 'recording', name: 'create', effects: 3, killed: 3}

  it('is content with 64 cases, every moment and nothing wrong', () => {
    expect(sumUp([...table(64), recording], false)).toEqual({
      lines: [
        'killed at 3 of 3 moments in 1 recordings',
        '64 cases, 0 secrets lost, 0 tokens orphaned, 0 plain-text remnants',
      ],
      problems: [],
    })
  })

  it.each<[string, Tally[]]>([
    ['a case too few', [...table(63), recording]],
    ['a case that went wrong', [...table(63), ...table(1, ['touched: x']), recording]],
    ['a moment without its death', [...table(64), {...recording, killed: 2}]],
    ['no deaths at all', table(64)],
  ])('fails the run for %s', (_, entries) => {
    expect(sumUp(entries, false).problems).toHaveLength(1)
  })

  it('counts cases, not sentences', () => {
    const wrong = ['lost: a', 'lost: b', 'remnants: c']
    expect(sumUp([{kind: 'kill', name: 'x', wrong}], true).lines.at(-1)).toBe(
      '1 cases, 1 secrets lost, 0 tokens orphaned, 1 plain-text remnants',
    )
  })
})

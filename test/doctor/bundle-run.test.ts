import fs from 'node:fs/promises'
import path from 'node:path'
import {afterAll, beforeAll, beforeEach, describe, expect, it} from 'vitest'
import {noProgress} from '../../src/lib/core/progress.js'
import {makeBundle} from '../../src/lib/doctor/bundle/bundle.js'
import {localChecks} from '../../src/lib/doctor/checks/local/index.js'
import {remoteChecksWith} from '../../src/lib/doctor/checks/remote/index.js'
import {runChecks} from '../../src/lib/doctor/run.js'
import type {Finding} from '../../src/lib/doctor/types.js'
import {formsOf} from '../support/leaks.js'
import {AMPLE_MS} from '../support/patience.js'
import {HOST, RemoteWorld, TOKEN} from './remote-world.js'

/** What the names and values of the person's are made of: zt has none of these words. */
const CANARY = {
  token: 'Slartibartfast Ünit 7',
  tokenId: 'b5f0c9d2-e1b7-4a4c-96d8-e3f9a0b1c2d3',
  profile: 'magrathea',
  account: 'Zaphod Beeblebrox Holdings',
  application: 'Heartofgold: main "bridge"',
  rule: 'Krikkit Robots may',
  bound: 'bücher.vogsphere.example',
  punycode: 'xn--bcher-kva.vogsphere.example',
  email: 'Marvin@SiriusCybernetics.example',
  user: 'fordprefect',
  ip: '203.0.113.77',
  ip6: '2001:db8::dead:beef',
  proxy: 'hop.betelgeuse.example',
  secret: 'cfast_ZarniwoopZarniwoopZarniwoopZarniwoop42',
  wrongApiToken: 'GrunthosTheFlatulent-0123456789abcdefghij',
  host: HOST,
  zone: 'widgetcorp',
} as const

/** The words of other programs, and names, which zt could say itself. */
const OWN_WORDS = {
  ssh: 'the secret store of this session is not a token',
  api: 'the owner of this account may read the journal',
  banner: 'secret connection of the store',
  cloudflared: 'access version of the service',
  profile: 'sandbox',
} as const

let world: RemoteWorld
beforeAll(async () => {
  world = await RemoteWorld.open()
}, 0)
afterAll(() => world.end())

/** A program that only says something, and fails. */
async function program(name: string, says: string): Promise<string> {
  const directory = path.join(world.zt.home, 'programs')
  await fs.mkdir(directory, {recursive: true})
  await fs.writeFile(path.join(directory, name), `#!/bin/sh\necho '${says}' >&2\nexit 255\n`, {mode: 0o755})
  return directory
}

interface Spoilt {
  env?: Record<string, string | undefined>
  profile?: string
  /** Words of another program that must not be in the bundle. */
  words?: string
  /** The finding that has these words. */
  finds?: string
}

beforeEach(async () => {
  await world.heal()
  const {data} = world.state
  for (const {object: one} of data.serviceTokens) one['name'] = CANARY.token
  for (const one of data.policies) one['name'] = CANARY.rule
  for (const one of data.apps) one['name'] = CANARY.application
  for (const one of data.accounts) one['name'] = CANARY.account
  const {index} = world
  const boundAt = '2026-11-01T00:00:00.000Z'
  for (const entry of await index.list()) {
    await index.put({...entry, name: CANARY.token})
    for (const profile of [CANARY.profile, OWN_WORDS.profile]) {
      await index.put({...entry, name: CANARY.token, tokenId: CANARY.tokenId, profile})
      await index.bind({profile, host: CANARY.punycode, tokenId: CANARY.tokenId, boundAt})
    }
  }
  await fs.writeFile(
    world.sshConfig,
    `Host ${CANARY.bound} ${CANARY.punycode} ${CANARY.ip} ${CANARY.ip6}
  User ${CANARY.user}
  ProxyCommand cloudflared access ssh --hostname ${CANARY.punycode} --service-token-secret ${CANARY.secret}
  # of ${CANARY.email}
`,
    {mode: 0o600},
  )
})

const SPOILT: [string, () => Spoilt | Promise<Spoilt>][] = [
  ['nothing else is wrong', () => ({})],
  ['the profile has a name that zt uses itself', () => ({profile: OWN_WORDS.profile})],
  [
    'ssh does not accept its configuration',
    async () => ({
      env: {PATH: `${await program('ssh', OWN_WORDS.ssh)}:${process.env['PATH'] ?? ''}`},
      ...{words: OWN_WORDS.ssh, finds: 'ssh-config/refused'},
    }),
  ],
  [
    'cloudflared says something else than its version',
    async () => ({
      env: {CLOUDFLARED: path.join(await program('cloudflared', OWN_WORDS.cloudflared), 'cloudflared')},
      words: OWN_WORDS.cloudflared,
    }),
  ],
  [
    'the server has a banner of its own',
    () => {
      world.origin.answer = `SSH-2.0-${OWN_WORDS.banner}\r\n`
      return {words: OWN_WORDS.banner}
    },
  ],
  [
    'the API refuses with a reason',
    () => {
      const body = JSON.stringify({
        ...{success: false, result: null, messages: []},
        errors: [{code: 1, message: `${OWN_WORDS.api}`}, {code: 2, message: `${CANARY.email} at ${CANARY.ip6}`}],
      }) // prettier-ignore
      world.api.spoil({
        ...{method: 'GET', path: '/service_tokens'},
        action: {do: 'lie', deliveries: 1, tell: () => ({status: 400, headers: {}, body})},
      })
      return {words: OWN_WORDS.api, finds: 'service-tokens'}
    },
  ],
  ['the API token is unknown', () => ({env: {CLOUDFLARE_API_TOKEN: CANARY.wrongApiToken}})],
  [
    'the proxy has no address',
    () => ({env: {HTTPS_PROXY: `http://${CANARY.user}:${CANARY.secret}@${CANARY.proxy}:3128`}}),
  ],
  [
    'a record is damaged',
    async () => {
      const file = path.join(
        world.zt.home,
        'DATA',
        'zt',
        'index',
        OWN_WORDS.profile,
        `${CANARY.tokenId}.json`,
      )
      await fs.writeFile(file, `{"name": "${CANARY.email}", ${CANARY.rule}`)
      return {profile: OWN_WORDS.profile}
    },
  ],
]

describe('the bundle of what doctor finds itself has nothing of the person', () => {
  it.each(SPOILT)('where %s', async (_what, spoil) => {
    const {env = {}, profile, words, finds} = await spoil()
    if (profile !== undefined)
      await world.zt.writeConfig({
        currentProfile: profile,
        profiles: {default: world.zt.profile, [profile]: {...world.zt.profile, accountName: CANARY.account}},
      })
    const doctor = await world.world({host: HOST, env: {USER: CANARY.user, ...env}})
    const checks = [...localChecks, ...remoteChecksWith({sshConfig: world.sshConfig})]
    const findings = await runChecks(checks, doctor, {offline: false, progress: noProgress, limitMs: AMPLE_MS})
    const sentences = (one: Finding): string => `${one.detail} ${one.why ?? ''}`
    if (words !== undefined && finds !== undefined)
      expect(findings.filter((one) => sentences(one).includes(words)).map(({id}) => id)).toContain(finds)
    const {text} = await makeBundle({world: doctor, findings, sshConfig: world.sshConfig})
    const low = text.toLowerCase()
    // As a text that is broken into lines, too.
    const joined = low.replaceAll(/\\n|\s/g, '')
    const canaries = [...Object.values(CANARY), TOKEN, world.zt.home, path.basename(world.zt.home), world.state.apiToken]
    const left = [...canaries, ...(words === undefined ? [] : [words])].flatMap((one) =>
      formsOf(one).filter((form) => {
        const small = form.toLowerCase()
        return form.length > 5 && (low.includes(small) || joined.includes(small.replaceAll(/\s/g, '')))
      }),
    )
    expect(left).toEqual([])
    if (profile !== undefined) expect(text).not.toMatch(new RegExp(`(?:index|hosts)/${profile}`))
  })
}) // prettier-ignore

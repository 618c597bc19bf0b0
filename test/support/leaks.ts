import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {createVaultIdentity} from '../../src/lib/secrets/vault/identity.js'
import {saveCredentials} from '../../src/lib/secrets/credentials.js'
import {Vault} from '../../src/lib/secrets/vault/vault.js'
import {Secret} from '../../src/lib/core/secret.js'
import {BuiltZt, type End, type RunOptions} from './built-zt.js'
import {inNodeOptions} from './node-options.js'

const support = import.meta.dirname

/** The secrets to search for. They look like Cloudflare's, and the code knows none of them. */
export const CANARY = {
  apiToken: 'cAnArYApiToken-0123456789_abcdefghijKLMN',
  environmentApiToken: 'cAnArYEnvToken-0123456789_abcdefghijKLMN',
  environmentSecret: 'cfast_cAnArYOfTheEnvironment0123456789abcdefghijklmnop',
  previousSecret: '00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee00c0ffee',
  spoolKey: 'cAnArYSpoolKey+/0123456789/abcdefghijklmnopqrstuvwxyz+0123456789',
  secretField: 'cAnArYSecretField-0123456789_abcdefghijKLMN',
  passphrase: 'a canary\'s "pass phrase" & 0815',
}

/** An application whose secret the API hides. */
const WIKI = 'wiki.widgetcorp.tech'
const SCIM = {
  ...{idp_uid: 'idp', remote_uri: 'https://scim.example'},
  authentication: {scheme: 'httpbasic', user: 'zt', password: '**********'},
}

/** The debug output of oclif, the SDK and zt itself. */
export const LOUD = {DEBUG: '*', CLOUDFLARE_LOG: 'debug', ZT_DEBUG: '1'}
/** And of node: zt then restarts itself, which takes time. */
export const LOUDEST = {...LOUD, NODE_DEBUG: '*'}

const known = new Map<string, string[]>()

/** As it is, and in every form in which a program may print or store it. */
export function formsOf(secret: string): string[] {
  const forms = known.get(secret) ?? makeForms(secret)
  known.set(secret, forms)
  return forms
}

function makeForms(secret: string): string[] {
  const bytes = Buffer.from(secret)
  const base64 = [0, 1, 2].flatMap((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    // Characters that also depend on the neighbours are left out.
    const own = text.slice(before === 0 ? 0 : before + 1, -1)
    return [own, own.replaceAll('+', '-').replaceAll('/', '_')]
  })
  const hex = bytes.toString('hex')
  const inJson = JSON.stringify(secret).slice(1, -1)
  return [
    ...new Set([
      secret,
      inJson,
      JSON.stringify(inJson).slice(1, -1),
      encodeURIComponent(secret),
      encodeURI(secret),
    ]),
    ...new Set([...base64, hex, hex.toUpperCase()]),
  ]
}

/** What a child process was given, as record-children.cjs records it. */
export interface Child {
  program: string
  args: string[]
  env: string[]
}

/** An alias with its secret in the ProxyCommand, as people publish it. */
const THEIR_SSH_CONFIG = `Host gl
  HostName gitlab-ssh.widgetcorp.tech
  ProxyCommand cloudflared access ssh --hostname %h --id x.access --secret ${CANARY.environmentSecret}
Match host none.example exec "cloudflared access ssh-gen --secret ${CANARY.environmentSecret}"
`

/** Two cores: more zt processes at once would only wait for each other. */
const AT_ONCE = 6
let running = 0
const waiting: (() => void)[] = []

async function limited<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running++
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running--
  }
}

/**
 * A separate home with a profile `mine`, a vault behind a passphrase, a service token with a previous secret that is
 * bound to a host, and (in a {@link LeakWorld.make}) a sandbox.
 */
export class LeakWorld {
  private constructor(
    readonly zt: BuiltZt,
    /** Not searched: it contains secrets because the test put them there. */
    readonly outside: string,
    readonly secrets: string[],
  ) {}

  /** The pair of the token `known`, as `token import` reads it. */
  pair = ''

  static async make(host: string): Promise<LeakWorld> {
    const outside = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-leak-'))
    const zt = await BuiltZt.make()
    const world = new LeakWorld(zt, outside, Object.values(CANARY))
    await world.#prepare()
    const seed = path.join(outside, 'seed.json')
    await fs.writeFile(
      seed,
      JSON.stringify({
        zones: [{name: host.split('.').slice(1).join('.')}],
        apps: [
          {name: 'GitLab', domain: host},
          {name: 'Wiki', domain: WIKI, scim_config: SCIM},
        ],
        api_tokens: [CANARY.apiToken, CANARY.environmentApiToken].map((token) => ({token, owner: 'user'})),
      }),
    )
    const {apiUrl, edge, caFile} = await zt.json<Record<string, string>>(['sandbox', 'start', '--seed', seed])
    for (const profile of ['mine', 'again']) {
      await zt.json(
        // prettier-ignore
        ['login', '--profile', profile, '--api-url', apiUrl ?? '', '--connect-to', edge ?? '', '--ca-file', caFile ?? ''],
        {input: CANARY.apiToken},
      )
    }
    await zt.json(['profile', 'use', 'mine'])
    const {clientSecret, token} = await zt.json<{
      clientSecret: string
      token: {id: string; clientId: string}
    }>(['token', 'create', 'known', '--reveal'])
    await zt.json(['app', 'add-rule', 'GitLab', '--service-auth', '--token', 'known'])
    world.secrets.push(clientSecret)
    world.pair = JSON.stringify({client_id: token.clientId, client_secret: clientSecret})
    const vault = world.vault()
    await saveCredentials(vault, token.id, {
      clientId: token.clientId,
      clientSecret: new Secret(clientSecret),
      previous: {clientSecret: new Secret(CANARY.previousSecret), until: '2099-01-01T00:00:00Z'},
    })
    await vault.set({kind: 'spool-key', id: 'canary'}, new Secret(CANARY.spoolKey))
    return world
  }

  /** The same files in another home, with the daemon of the first. */
  async copy(): Promise<LeakWorld> {
    const zt = await BuiltZt.make()
    const outside = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-leak-'))
    await fs.cp(this.zt.home, zt.home, {recursive: true})
    // Without it, no command can stop the sandbox that others use.
    await fs.rm(path.join(zt.home, 'STATE', 'zt', 'sandbox', 'run.json'), {force: true})
    const world = new LeakWorld(zt, outside, this.secrets)
    world.pair = this.pair
    await world.#prepare()
    return world
  }

  /** The stdin of a command line. */
  typedAt(command: string, args: readonly string[]): string {
    if (command === 'login') return CANARY.apiToken
    if (command === 'app:set') return CANARY.secretField
    if (command !== 'token:import') return ''
    // Refused: the secret is in place of both halves.
    return args.includes('--dry-run')
      ? this.pair.replace(/[0-9a-f]{32}\.access/, CANARY.environmentSecret)
      : this.pair
  }

  async #prepare(): Promise<void> {
    const {home, env} = this.zt
    await fs.mkdir(path.join(home, 'tmp'), {recursive: true})
    await fs.mkdir(path.join(home, 'bin'), {recursive: true})
    // Its parent records what it is given.
    await fs.writeFile(
      path.join(home, 'bin', 'cloudflared'),
      '#!/bin/sh\n[ "$1" = access ] || echo "cloudflared version 2026.8.2 (of the test)"\n',
      {mode: 0o755},
    )
    // Fails when it was not given the pair.
    const child =
      '#!/bin/sh\ntest -n "$CF_ACCESS_CLIENT_ID" -a -n "$CF_ACCESS_CLIENT_SECRET" && exit "${1:-0}"\n'
    await fs.writeFile(path.join(home, 'bin', 'exec-child'), child, {mode: 0o755})
    await fs.writeFile(path.join(home, 'bin', 'beside-child'), '#!/bin/sh\nexit "${2:-0}"\n', {mode: 0o755})
    await fs.writeFile(path.join(this.outside, 'passphrase'), CANARY.passphrase + '\n', {mode: 0o600})
    // A link: what the person's own file holds is there without zt.
    const theirs = path.join(this.outside, 'ssh-config')
    await fs.writeFile(theirs, THEIR_SSH_CONFIG, {mode: 0o600})
    await fs.rm(path.join(home, 'their-ssh-config'), {force: true})
    await fs.symlink(theirs, path.join(home, 'their-ssh-config'))
    Object.assign(env, {
      ZT_STORE: 'vault',
      TMPDIR: path.join(home, 'tmp'),
      PATH: `${path.join(home, 'bin')}:${process.env['PATH'] ?? ''}`,
      NODE_OPTIONS: `--require ${inNodeOptions(path.join(support, 'record-children.cjs'))}`,
      ZT_TEST_RECORD: path.join(this.outside, 'children'),
      ZT_VAULT_PASSPHRASE_FILE: path.join(this.outside, 'passphrase'),
    })
    const identity = path.join(home, 'CONFIG', 'zt', 'identity.txt')
    const there = await fs.stat(identity).catch(() => undefined)
    // A cheap passphrase: each of some thousand commands opens it.
    if (!there) await createVaultIdentity(identity, new Secret(CANARY.passphrase), 4)
  }

  vault(): Vault {
    const {home, env} = this.zt
    return new Vault({
      directory: path.join(home, 'DATA', 'zt', 'vault'),
      identity: {
        file: path.join(home, 'CONFIG', 'zt', 'identity.txt'),
        passphraseFile: env['ZT_VAULT_PASSPHRASE_FILE'],
      },
    })
  }

  run(args: string[], options: RunOptions = {}): Promise<End> {
    // Not the greeting of an SSH client: without any input the session would last until the server gives up.
    const isProxy = ['ssh proxy', 'access ssh', 'access tcp'].includes(args.slice(0, 2).join(' '))
    const input =
      options.input === undefined || options.input === '' ? (isProxy ? 'none\r\n' : '') : options.input
    return limited(() => this.zt.run(args, {...options, input}))
  }

  /** Every form of every known secret in this text, and everything that looks like a client secret. */
  leaksIn(text: string, more: readonly string[] = []): string[] {
    const found = [...this.secrets, ...more].flatMap(formsOf).filter((form) => text.includes(form))
    return [...new Set([...found, ...(text.match(/cfast_[A-Za-z0-9]{30,}/g) ?? [])])]
  }

  async children(): Promise<Child[]> {
    const text = await fs.readFile(path.join(this.outside, 'children'), 'utf8').catch(() => '')
    return text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Child)
  }

  /**
   * Secrets in the arguments or environment of a child. Variables of the user's own shell are inherited by
   * zt's processes, by ssh (which starts the proxy), and by what `zt exec` and `zt forward` run; cloudflared gets the one pair that it is to
   * send, and the child of `zt exec` the one that it was given.
   */
  async leaksToChildren(given: NodeJS.ProcessEnv = {}, more: readonly string[] = []): Promise<string[]> {
    return (await this.children()).flatMap(({program, args, env}) => {
      const name = path.basename(program)
      const inherits = program === process.execPath || ['ssh', 'exec-child', 'beside-child'].includes(name)
      const allowed = (pair: string): boolean =>
        (inherits && Object.entries(given).some(([key, value]) => pair === `${key}=${value}`)) ||
        (name === 'cloudflared' && pair.startsWith('TUNNEL_SERVICE_TOKEN_SECRET=')) ||
        (name === 'exec-child' && pair.startsWith('CF_ACCESS_CLIENT_SECRET='))
      const texts = [...args, ...env.filter((pair) => !allowed(pair))]
      const bad = texts.filter((text) => this.leaksIn(text, more).length > 0)
      return bad.map((text) => `${name}: ${text}`)
    })
  }

  /** Files in this home that contain a secret, except the sandbox's own, which play the server. */
  async leakingFiles(more: readonly string[] = []): Promise<{files: string[]; looked: string[]}> {
    const entries = await fs.readdir(this.zt.home, {recursive: true, withFileTypes: true})
    const files: string[] = []
    const looked: string[] = []
    for (const entry of entries.filter((one) => one.isFile())) {
      const file = path.join(entry.parentPath, entry.name)
      if (/\/zt\/sandbox\/\.?(state|run)\.json/.test(file)) continue
      looked.push(file)
      const text = await fs.readFile(file, 'latin1').catch(() => '')
      if (this.leaksIn(`${file}\n${text}`, more).length > 0) files.push(file)
    }
    return {files, looked}
  }

  async end(): Promise<void> {
    await this.zt.end()
    await fs.rm(this.outside, {recursive: true, force: true})
  }
}

/** An end of zt that must not print a secret; returns what it printed wrongly. */
export const saidBy = ({stdout, stderr}: End): string => stdout + stderr

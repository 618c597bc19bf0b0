import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type {End} from './built-zt.js'

const root = path.resolve(import.meta.dirname, '../..')

/** The programs on a machine without developer tools, as far as zt and npm use them. */
const PROGRAMS = ['node', 'npm', 'ssh', 'sh', 'env', 'cat', 'ls', 'mkdir', 'rm', 'uname']
/** npm's error codes if it cannot reach the registry. */
const UNREACHABLE =
  /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED)\b/

/** The part of scripts/package-report.mjs's output that the tests read. */
export interface Report {
  name: string
  version: string
  file: string
  dependencies: {direct: string[]; all: number}
  parts: Record<string, number>
  bundled: {packages: number; licences: Record<string, number>}
}

/**
 * The package as a user gets it: packed, and installed with `npm i -g --ignore-scripts` into an empty prefix whose path
 * has a blank and an umlaut, with an empty HOME and no compiler on PATH.
 */
export class InstalledZt {
  private constructor(
    readonly home: string,
    readonly prefix: string,
    readonly env: NodeJS.ProcessEnv,
    readonly report: Report,
  ) {}

  /** @returns the reason, if the registry, which keytar comes from, cannot be reached */
  static async install(): Promise<InstalledZt | string> {
    const home = await fs.realpath(await fs.mkdtemp(path.join(os.tmpdir(), 'zt-package-')))
    const bin = path.join(home, 'bin')
    await fs.mkdir(bin)
    for (const program of PROGRAMS) await fs.symlink(await find(program), path.join(bin, program))
    const env = {PATH: bin, HOME: path.join(home, 'home'), SHELL: '/bin/sh', NO_COLOR: '1', ZT_PATIENCE: '40'}
    await fs.mkdir(env.HOME)
    const packing = await run(process.execPath, ['scripts/package-report.mjs', '--json', '--into', home], {
      cwd: root,
      env: process.env,
    })
    if (packing.code !== 0) throw new Error(packing.stderr)
    const installed = new InstalledZt(
      home,
      path.join(home, 'prefix with blank, präfix'),
      env,
      JSON.parse(packing.stdout) as Report,
    )
    const end = await installed.npm('install', '--ignore-scripts', path.join(home, installed.report.file))
    if (end.code === 0) return installed
    await installed.end()
    if (UNREACHABLE.test(end.stderr))
      return `npm does not reach its registry (${UNREACHABLE.exec(end.stderr)?.[0]})`
    throw new Error(`npm install ended with ${end.code}: ${end.stderr}`)
  }

  /** The directory of the package. */
  get directory(): string {
    return path.join(this.prefix, 'lib', 'node_modules', this.report.name)
  }

  /** The file that a shell finds as `zt`. */
  get zt(): string {
    return path.join(this.prefix, 'bin', 'zt')
  }

  /** @param input written to stdin, which stays open */
  run(program: string, args: string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<End> {
    return run(program, args, {cwd: this.home, env: {...this.env, ...env}}, input)
  }

  /** `npm -g` on the prefix. */
  npm(command: string, ...args: string[]): Promise<End> {
    const options = ['--global', '--prefix', this.prefix, '--prefer-offline']
    return npm([command, ...options, ...args], {cwd: this.home, env: this.env})
  }

  end(): Promise<void> {
    return fs.rm(this.home, {recursive: true, force: true})
  }
}

/**
 * npm in a clean environment, which contains only how to reach its registry from here: proxies,
 * certificates, and where its settings and its cache are.
 */
export async function npm(args: string[], {cwd, env}: {cwd: string; env: NodeJS.ProcessEnv}): Promise<End> {
  const reaching = Object.entries(process.env).filter(([name]) =>
    /_proxy$|^NODE_EXTRA_CA_CERTS$|^SSL_CERT_/i.test(name),
  )
  const {stdout} = await run('npm', ['config', 'list', '--json'], {cwd: root, env: process.env})
  const {cache, userconfig, registry} = JSON.parse(stdout) as Record<
    'cache' | 'userconfig' | 'registry',
    string
  >
  const settings = {
    npm_config_cache: cache,
    npm_config_userconfig: userconfig,
    npm_config_registry: registry,
    npm_config_fetch_retry_mintimeout: '1000',
    npm_config_update_notifier: 'false',
  }
  return run('npm', args, {cwd, env: {...Object.fromEntries(reaching), ...settings, ...env}})
}

async function find(program: string): Promise<string> {
  if (program === 'node') return process.execPath
  const {stdout} = await run('/bin/sh', ['-c', `command -v ${program}`], {cwd: root, env: process.env})
  if (!stdout.startsWith('/')) throw new Error(`${program} is not installed`)
  return fs.realpath(stdout.trim())
}

/** @param input written to stdin, which stays open */
export function run(
  program: string,
  args: string[],
  options: {cwd: string; env: NodeJS.ProcessEnv},
  input = '',
): Promise<End> {
  return new Promise((resolve) => {
    const child = execFile(program, args, {...options, maxBuffer: 1 << 26}, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : null
      resolve({code, stdout, stderr: code === null ? `${error?.message}\n${stderr}` : stderr})
    })
    // A program that could not be started reads nothing.
    child.stdin?.on('error', () => undefined)
    child.stdin?.write(input)
  })
}

import {spawn} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import type {End} from './built-zt.js'

const root = path.resolve(import.meta.dirname, '../..')
/** What zt runs from. */
const PARTS = ['bin', 'dist', 'package.json', 'oclif.manifest.json']
/** In no user database. */
const UID = 54321

/**
 * The built zt as a user without a name, as containers that run under any user ID have: in the system's user database there
 * is no entry for it. It has a directory of its own, and is not allowed to write anywhere else.
 */
export class NamelessZt {
  private constructor(
    /** Everything of this world; the user can read it. */
    readonly home: string,
    /** The package. */
    readonly packaged: string,
    /** The one directory that the user can write to. */
    readonly own: string,
  ) {}

  static async make(): Promise<NamelessZt> {
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-nameless-'))
    await fs.chmod(home, 0o755)
    const [packaged, own] = [path.join(home, 'package'), path.join(home, 'own')]
    // A checkout may be where only its owner can read.
    for (const part of PARTS) await fs.cp(path.join(root, part), path.join(packaged, part), {recursive: true})
    await fs.mkdir(own)
    if (isRoot) await fs.chown(own, UID, UID)
    return new NamelessZt(home, packaged, own)
  }

  /** zt, with nothing in its environment but what is given and PATH. */
  zt(args: readonly string[], env: NodeJS.ProcessEnv): Promise<End> {
    return this.run(process.execPath, [path.join(this.packaged, 'bin', 'zt.cjs'), ...args], env)
  }

  /** Any program, in the own directory, without a terminal. */
  run(program: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<End> {
    const [first = '', ...words] = [...asNameless, program, ...args]
    return new Promise((resolve, reject) => {
      const child = spawn(first, words, {
        env: {PATH: process.env['PATH'], ...env},
        cwd: this.own,
        stdio: ['ignore', 'pipe', 'pipe'],
        // A session of its own has no terminal.
        detached: true,
        ...(isRoot && {uid: UID, gid: UID}),
      })
      const end: End = {code: null, stdout: '', stderr: ''}
      child.stdout.on('data', (chunk: Buffer) => (end.stdout += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (end.stderr += chunk.toString()))
      child.once('error', reject)
      child.once('close', (code) => {
        resolve({...end, code})
      })
    })
  }

  async end(): Promise<void> {
    await fs.rm(this.home, {recursive: true, force: true})
  }
}

const isRoot = process.getuid?.() === 0
/** Anyone but root gets another user ID in a user namespace (unshare(1)). */
const asNameless = isRoot ? [] : ['unshare', '--user', `--map-user=${UID}`, `--map-group=${UID}`]

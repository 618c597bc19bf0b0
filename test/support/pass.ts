import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import {promisify} from 'node:util'

const run = promisify(execFile)

/** Which of these programs is not installed. */
export async function missingPrograms(...programs: string[]): Promise<string | undefined> {
  for (const program of programs) {
    const there = await run('sh', ['-c', `command -v ${program}`]).catch(() => undefined)
    if (!there) return `${program} is not installed`
  }
  return undefined
}

/** A separate password store, with a throw-away key that has no passphrase. */
export class PasswordStore {
  private constructor(
    readonly home: string,
    /** What docker-credential-pass, pass and gpg must see. */
    readonly env: {GNUPGHOME: string; PASSWORD_STORE_DIR: string},
  ) {}

  /** @param initialised false: the state before `pass init` */
  static async make({initialised = true}: {initialised?: boolean} = {}): Promise<PasswordStore> {
    // The agent's socket has a short limit for its path.
    const home = await fs.mkdtemp(path.join(os.tmpdir(), 'zt-pass-'))
    const env = {GNUPGHOME: path.join(home, 'gnupg'), PASSWORD_STORE_DIR: path.join(home, 'store')}
    await fs.mkdir(env.GNUPGHOME, {mode: 0o700})
    const store = new PasswordStore(home, env)
    if (!initialised) return store
    const user = 'zt-test@example.invalid'
    await store.run(
      'gpg',
      '--batch',
      '--quiet',
      '--passphrase',
      '',
      '--quick-gen-key',
      user,
      'default',
      'default',
      'never',
    )
    await store.run('pass', 'init', user)
    return store
  }

  async run(program: string, ...args: string[]): Promise<string> {
    return (await run(program, args, {env: {...process.env, ...this.env}})).stdout
  }

  /** Removes the secret key: from now on it can store but not return. */
  async loseKey(): Promise<void> {
    await this.run('gpgconf', '--kill', 'gpg-agent')
    await fs.rm(path.join(this.env.GNUPGHOME, 'private-keys-v1.d'), {recursive: true})
  }

  async end(): Promise<void> {
    await this.run('gpgconf', '--kill', 'gpg-agent').catch(() => undefined)
    await fs.rm(this.home, {recursive: true, force: true})
  }
}

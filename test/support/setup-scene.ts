import {createHash} from 'node:crypto'
import {execFile} from 'node:child_process'
import fs from 'node:fs/promises'
import path from 'node:path'
import {promisify} from 'node:util'
import {expect} from 'vitest'
import type {JsonObject} from '../../src/lib/core/json.js'
import {IndexFiles} from '../../src/lib/secrets/index-files.js'
import {findProgram} from '../../src/lib/system/programs.js'
import {everything} from './edit-world.js'
import type {CommandWorld} from './command-harness.js'

/** A world of commands with the system's ssh, in which hosts are set up. */
export class SetupScene {
  constructor(readonly zt: CommandWorld) {}

  async reset(): Promise<void> {
    await this.zt.reset()
    await fs.mkdir(this.zt.file('bin'))
    await fs.symlink(this.ssh, path.join(this.zt.file('bin'), 'ssh'))
  }

  private get ssh(): string {
    return findProgram('ssh', process.env) ?? ''
  }

  async sshConfig(text: string): Promise<void> {
    await fs.writeFile(this.zt.file('ssh-config'), text, {mode: 0o640})
  }

  /** Binds a host to a token of this machine, or to none. */
  async bind(host: string, token: string | undefined): Promise<void> {
    const index = new IndexFiles(path.join(this.zt.home, 'DATA', 'zt'))
    await index.unbind('default', host)
    if (token === undefined) return
    const tokenId = String(this.zt.token(token)['id'])
    await index.bind({profile: 'default', host, tokenId, boundAt: '2026-01-01T00:00:00.000Z'})
  }

  /** How ssh reaches these names. */
  async routes(...names: string[]): Promise<string[]> {
    return Promise.all(
      names.map(async (name) => {
        const {stdout} = await promisify(execFile)(this.ssh, ['-G', '-F', this.zt.file('ssh-config'), name])
        const command = /^proxycommand (.*)$/m.exec(stdout)?.[1] ?? ''
        return command.includes(' ssh proxy ') ? 'zt' : command === '' ? 'direct' : command
      }),
    )
  }

  /**
   * The account without the times of changes, and every file of this machine but those that are not counted: caches,
   * locks, and the records of edits, which `zt undo` lists.
   */
  async everything({edits = false} = {}): Promise<JsonObject> {
    const {zt} = this
    const files: JsonObject = {}
    for (const name of await fs.readdir(zt.home, {recursive: true})) {
      const file = path.join(zt.home, name)
      const stat = await fs.lstat(file).catch(() => undefined)
      // The rest of the folder is the sandbox's.
      const counts = /^(DATA|CONFIG|STATE|work)\b/.test(name) && !/^(STATE\/zt\/locks|work\/bin)/.test(name)
      if (!counts || stat?.isFile() !== true) continue
      if (!edits && name.startsWith(path.join('STATE', 'zt', 'undo'))) continue
      const sum = createHash('sha256')
        .update(await fs.readFile(file))
        .digest('hex')
      files[name] = `${(stat.mode & 0o777).toString(8)} ${sum.slice(0, 16)}`
    }
    const tokens = zt.state.data.serviceTokens.map(({object}) => object['id'])
    return {account: everything(zt.state), tokens, files}
  }

  /** Runs something that changes nothing, not even the records of edits. */
  async unchanged<T>(act: () => Promise<T>): Promise<T> {
    const before = await this.everything({edits: true})
    const result = await act()
    expect(await this.everything({edits: true})).toEqual(before)
    return result
  }
}

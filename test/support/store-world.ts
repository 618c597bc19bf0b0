import {existsSync} from 'node:fs'
import fs from 'node:fs/promises'
import path from 'node:path'
import {BuiltZt} from './built-zt.js'
import {FakeHelper} from './fake-helper.js'

/** A home with one credential helper, which a test can make fail; this machine's own helpers are not used. */
export async function storeWorld(): Promise<{zt: BuiltZt; helper: FakeHelper}> {
  const zt = await BuiltZt.make({ZT_PROFILE: 'sandbox'})
  const helper = await FakeHelper.make(path.join(zt.home, 'bin'))
  const directories = (process.env['PATH'] ?? '').split(':')
  for (const program of ['ssh', 'sh', 'sleep', 'tmux']) {
    const from = directories.map((one) => path.join(one, program)).find((file) => existsSync(file))
    if (from !== undefined) await fs.symlink(from, path.join(helper.directory, program))
  }
  zt.env['PATH'] = helper.directory
  return {zt, helper}
}

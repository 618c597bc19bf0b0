import {spawnSync} from 'node:child_process'

/** libnss-wrapper, which gives programs another user database. */
export const NSS_WRAPPER = process.env['ZT_TEST_NSS_WRAPPER'] ?? 'libnss_wrapper.so'

/** The loader says on stderr what it does not find. */
export function hasNssWrapper(): boolean {
  return (
    spawnSync(process.execPath, ['-e', ''], {env: {LD_PRELOAD: NSS_WRAPPER}, encoding: 'utf8'}).stderr === ''
  )
}

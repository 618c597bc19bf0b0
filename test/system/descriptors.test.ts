import fs from 'node:fs'
import {fileURLToPath} from 'node:url'
import {expect, it} from 'vitest'
import {inheritedDescriptors} from '../../src/lib/system/descriptors.js'

it.runIf(process.platform === 'linux')(
  "are files and other's pipes, and nothing that node opened for itself",
  () => {
    const fd = fs.openSync(fileURLToPath(import.meta.url), 'r')
    try {
      const found = inheritedDescriptors()
      expect(found).toContain(fd)
      expect(found.every((one) => one > 2)).toBe(true)
      const kinds = found.map((one) => fs.readlinkSync(`/proc/self/fd/${one}`))
      expect(kinds.filter((kind) => kind.startsWith('anon_inode:'))).toEqual([])
      const all = fs.readdirSync('/proc/self/fd')
      expect(all.length).toBeGreaterThan(found.length + 3)
    } finally {
      fs.closeSync(fd)
    }
  },
)

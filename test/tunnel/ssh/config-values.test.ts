import {execFileSync} from 'node:child_process'
import {describe, expect, it} from 'vitest'
import {findProgram} from '../../../src/lib/system/programs.js'
import {knownHosts} from '../../../src/lib/tunnel/ssh/config-values.js'

const ssh = findProgram('ssh', process.env)
if (ssh === undefined) process.stderr.write('SKIPPED: there is no ssh to ask what it reads\n')

describe('the file of known hosts', () => {
  it.each<[platform: NodeJS.Platform, file: string, word: string, read: string]>([
    ['linux', '/s/known_hosts', '/s/known_hosts', '/s/known_hosts'],
    ['darwin', '/Users/J D/k', '"/Users/J D/k"', '/Users/J D/k'],
    ['linux', '/a\\b"c', '"/a\\\\b\\"c"', '/a\\b"c'],
    ['win32', 'C:\\Users\\u\\k', 'C:/Users/u/k', 'C:/Users/u/k'],
    ['win32', 'C:\\Users\\J D\\50%\\k', '"C:/Users/J D/50%%/k"', 'C:/Users/J D/50%/k'],
    ['win32', '\\\\srv\\homes\\k', '//srv/homes/k', '//srv/homes/k'],
  ])('on %s: %s is written as %s', (platform, file, word, read) => {
    const value = knownHosts(file, platform)
    expect(value).toBe(`${word} ~/.ssh/known_hosts ~/.ssh/known_hosts2`)
    if (ssh === undefined) return
    const said = execFileSync(ssh, ['-T', '-G', '-F', 'none', '-o', `UserKnownHostsFile=${value}`, 'h'], {
      encoding: 'utf8',
    })
    expect(/^userknownhostsfile (.*)$/m.exec(said)?.[1]?.startsWith(`${read} `)).toBe(true)
  })
})

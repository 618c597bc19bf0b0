import {expect, it} from 'vitest'
import {lastingPath} from '../../src/lib/system/zt-program.js'

it.each([
  ['C:\\Users\\u\\AppData\\Local\\fnm_multishells\\4711_1\\node.exe', 'real'],
  ['C:\\Program Files\\nodejs\\node.exe', 'C:\\Program Files\\nodejs\\node.exe'],
  // Whoever links this has another node in its place later, and wants that.
  [
    'C:\\Users\\u\\scoop\\apps\\nodejs\\current\\node.exe',
    'C:\\Users\\u\\scoop\\apps\\nodejs\\current\\node.exe',
  ],
  ['/usr/bin/node', '/usr/bin/node'],
])('node at %s is named %s in a file', (node, named) => {
  expect(lastingPath(node, () => 'real')).toBe(named)
})

import fs from 'node:fs'
import {createRequire} from 'node:module'
import path from 'node:path'
import type tsModule from 'typescript'
import {describe, expect, it} from 'vitest'
import {ENVIRONMENT_VARIABLES} from '../../src/lib/core/environment-variables.js'
import {PAIR_VARIABLES, PAIRS} from '../../src/lib/core/pair-variables.js'

// As a module node would look through all of it for names, for seconds.
const ts = createRequire(import.meta.url)('typescript') as typeof tsModule
const root = path.resolve(import.meta.dirname, '../..')
const files = ['src', 'bin'].flatMap((directory) =>
  fs
    .readdirSync(path.join(root, directory), {recursive: true, encoding: 'utf8'})
    .filter((name) => /\.(ts|js|cjs)$/.test(name))
    .map((name) => `${directory}/${name.replaceAll(path.sep, '/')}`),
)

/** What holds the environment is called so in this house: `process.env`, `io.env`, `environment`. */
const ENVIRONMENT = /(^|\.)(env|environment)\??$/
const NAME = /^([A-Z][A-Z0-9_]*|[a-z]+(_[a-z]+)+)$/

interface Reading {
  /** Read by a literal name. */
  names: Set<string>
  /** Expressions by which a name is made at run time. */
  computed: string[]
}

/** Every place at which a source reads a variable: `env['X']`, `env.X`, `const {X} = env`, `variableOf(env, 'X')`. */
function readIn(text: string, file = 'x.ts'): Reading {
  const reading: Reading = {names: new Set(), computed: []}
  const visit = (node: tsModule.Node): void => {
    if (ts.isElementAccessExpression(node) && ENVIRONMENT.test(node.expression.getText())) {
      const {argumentExpression: name} = node
      if (ts.isStringLiteralLike(name)) reading.names.add(name.text)
      else reading.computed.push(name.getText())
    } else if (ts.isCallExpression(node) && node.expression.getText() === 'variableOf') {
      const name = node.arguments[1]
      if (name && ts.isStringLiteralLike(name)) reading.names.add(name.text)
      else reading.computed.push(name?.getText() ?? '')
    } else if (ts.isPropertyAccessExpression(node) && ENVIRONMENT.test(node.expression.getText())) {
      reading.names.add(node.name.text)
    } else if (ts.isObjectBindingPattern(node)) {
      const from = (
        node.parent as tsModule.VariableDeclaration | tsModule.ParameterDeclaration
      ).initializer?.getText()
      // A parameter may be the environment under no name at all.
      if (from === undefined || ENVIRONMENT.test(from)) {
        for (const {propertyName, name} of node.elements) {
          const read = (propertyName ?? name).getText()
          if (/^[A-Z][A-Z0-9_]+$/.test(read)) reading.names.add(read)
        }
      }
    }
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true))
  return reading
}

/** Where a name is made at run time, and which ones it may be: each is in that file as a string, or part of one. */
const COMPUTED: Record<string, string[]> = {
  'src/lib/config/paths.ts': [
    ...['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_CACHE_HOME'],
    ...['APPDATA', 'LOCALAPPDATA'],
  ],
  // Which are set, and whose names are no one's own.
  'src/lib/doctor/bundle/document.ts': [],
  'src/lib/doctor/checks/local/installation.ts': [],
  'src/lib/doctor/checks/local/machine.ts': [],
  'src/lib/doctor/checks/local/settings.ts': [],
  // What other programs take for a proxy.
  'src/lib/doctor/checks/remote/network.ts': [],
  // The names are in core/pair-variables.ts.
  'src/lib/secrets/env/environment-pair.ts': [...PAIR_VARIABLES],
  // variableOf itself.
  'src/lib/system/platform.ts': [],
  // It sets them while it makes a context.
  'src/lib/tunnel/carrier/trust.ts': [],
  'src/lib/network/proxy-settings.ts': ['HTTPS_PROXY', 'https_proxy'],
  'bin/start-again.js': ['NODE_DEBUG', 'NODE_DEBUG_NATIVE'],
}

const sources = files.map((file) => {
  const text = fs.readFileSync(path.join(root, file), 'utf8')
  return {file, text, ...readIn(text, file)}
})
const listed = ENVIRONMENT_VARIABLES.map(({name}) => name)

describe('the table of environment variables', () => {
  it.each([
    ["process.env['A_B']", ['A_B']],
    ['io.env.A_B ?? process.env.C', ['A_B', 'C']],
    ['const {A_B, C_D: d} = process.env', ['A_B', 'C_D']],
    ["way.environment?.['A_B']", ['A_B']],
    ["variableOf(env, 'A_B', platform)", ['A_B']],
    ['function f({A_B, other}) {}', ['A_B']],
    ["const {A_B} = await import('./constants.js'); settings['A_B']", []],
  ])('is compared with what is read: %s', (text, names) => {
    expect([...readIn(text).names]).toEqual(names)
  })

  it('knows of every place where the name is made at run time', () => {
    const computed = sources.filter((source) => source.computed.length > 0)
    expect(computed.map(({file}) => file).sort()).toEqual(Object.keys(COMPUTED).sort())
    const written = sources.find(({file}) => file === 'src/lib/core/pair-variables.ts')?.text ?? ''
    for (const {file, text} of computed) {
      for (const name of COMPUTED[file] ?? []) expect(text + written, file).toContain(`'${name}'`)
    }
  })

  it('has every variable that src/ and bin/ read, and no other', () => {
    const read = new Set([...sources.flatMap(({names}) => [...names]), ...Object.values(COMPUTED).flat()])
    // One that is read in both cases is listed once.
    const known = new Set(
      listed.flatMap((name) => (/_PROXY$/.test(name) ? [name, name.toLowerCase()] : name)),
    )
    expect([...read].filter((name) => NAME.test(name) && !known.has(name))).toEqual([])
    expect([...known].filter((name) => !read.has(name))).toEqual([])
  })

  it('names each once, and as secret what settings make a secret of', () => {
    expect(new Set(listed).size).toBe(listed.length)
    const settings = fs.readFileSync(path.join(root, 'src/lib/config/settings.ts'), 'utf8')
    const secret = [...settings.matchAll(/secret\(env\['(\w+)'\]\)/g)].map(([, name]) => name)
    const marked = ENVIRONMENT_VARIABLES.filter(({kind}) => kind === 'secret').map(({name}) => name)
    expect(marked.sort()).toEqual([...secret, ...PAIRS.map((names) => names.secret)].sort())
  })
})

// Collects zt's own words: whatever else is in a text goes through the replacer of `zt doctor --bundle`.
import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import {avoidedWords} from './words.mjs'

/** The rooms whose texts a finding can have. The sandbox's names and the reports' markup are none of them. */
const ROOMS = [
  ...['access', 'api', 'completion', 'config', 'core', 'doctor', 'network', 'policy', 'secrets', 'system'],
  'tunnel',
]
/** Names in examples, which a person may have as well. */
const EXAMPLES = /widgetcorp|gitlab|^(ada|acme|admin|build|ci|deploy|prod|production|staging|wiki)$/
/** Whose fields a bundle shows under their names. */
const FIELDS = new Set(['config', 'doctor'])
const FILE = 'src/lib/doctor/bundle/words.ts'

/**
 * The text of src/lib/doctor/bundle/words.ts.
 *
 * @param {string} root of the project
 */
export function bundleWords(root) {
  const words = new Set()
  for (const room of ROOMS) {
    const directory = path.join(root, 'src', 'lib', room)
    for (const name of fs.readdirSync(directory, {recursive: true, encoding: 'utf8'})) {
      const file = path.join(directory, name)
      if (!name.endsWith('.ts') || path.relative(root, file) === FILE) continue
      for (const text of textsOf(fs.readFileSync(file, 'utf8'), {fields: FIELDS.has(room)}))
        for (const [word] of text.matchAll(/(?<![\p{L}\p{N}])\p{L}+(?![\p{L}\p{N}])/gu))
          words.add(word.toLowerCase())
    }
  }
  // The words of command lines.
  for (const name of fs.readdirSync(path.join(root, 'src', 'commands'), {recursive: true, encoding: 'utf8'}))
    for (const [word] of name.replace(/\.ts$/, '').matchAll(/[a-z]+/g)) words.add(word)
  const kept = [...words]
    .filter((word) => word.length <= 20 && !EXAMPLES.test(word) && avoidedWords('list.md', word).length === 0)
    .sort()
  const lines = ['']
  for (const word of kept)
    if (lines.at(-1).length + word.length > 100) lines.push(word)
    else lines.push(`${lines.pop()} ${word}`.trim())
  return `// Made by scripts/bundle-words.mjs: the words of zt's own texts.\nexport const WORDS = \`\n${lines.join('\n')}\n\`\n`
}

/** The texts of strings and templates, without the names of modules; and names of fields, word by word. */
function textsOf(source, {fields}) {
  const found = []
  const visit = (node) => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node) || ts.isTemplateMiddleOrTemplateTail(node)) found.push(node.text)
    const isField = ts.isPropertySignature(node) || ts.isPropertyAssignment(node) || ts.isShorthandPropertyAssignment(node)
    if (fields && isField && ts.isIdentifier(node.name)) found.push(node.name.text.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' '))
    ts.forEachChild(node, visit)
  }
  visit(ts.createSourceFile('file.ts', source, ts.ScriptTarget.Latest))
  return found
} // prettier-ignore

// Finds the words that docs/style.md rules out, in everything that a person reads: strings, comments and documentation.
import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'

const AVOIDED = /\b(stands|mend(?:s|ed|ing)?|told|nobody|c[oa]mes? about|coming about|of ours)\b/gi
const CODE = /\.(ts|mjs|cjs|js)$/
const DIRECTORIES = ['src', 'bin', 'executable', 'scripts', 'docs', 'test', 'bench', 'site']
/** It tests this file, with the words themselves. */
const OWN_TEST = 'test/scripts/words.test.ts'
const FILES = ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md', 'eslint.config.js']

/**
 * The avoided words of one file. Of code it reads strings, the texts of templates and comments, but no module's name, and
 * of a test no string of one word, such as a name in a command line; of anything else all but the lists in docs/style.md
 * that name the words.
 *
 * @param {string} file its name tells what it is
 * @param {string} text
 * @returns {{line: number, word: string, source: string}[]} in order; `source` is the whole line
 */
export function avoidedWords(file, text) {
  const lines = text.split('\n')
  const isList = (line) => file === 'docs/style.md' && /^(\||Words that )/.test(line)
  const read = CODE.test(file) ? readInCode(text, file.startsWith('test/')) : [[0, text.length]]
  const found = read.flatMap(([start, end]) =>
    [...text.slice(start, end).matchAll(AVOIDED)].map(({0: word, index}) => {
      const line = text.slice(0, start + index).split('\n').length
      return {line, word, source: lines[line - 1].trim()}
    }),
  )
  return found.filter(({source}) => !isList(source)).sort((a, b) => a.line - b.line)
}

/** Where the strings and comments of a module are, as pairs of positions. */
function readInCode(text, isTest) {
  const source = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true)
  const ranges = []
  const visit = (node) => {
    const children = node.getChildren(source)
    if (children.length === 0) {
      // Comments are before the first token behind them.
      ranges.push([node.pos, node.getStart(source)])
      const isModule = ts.isImportDeclaration(node.parent) || ts.isExportDeclaration(node.parent)
      const isName = isTest && ts.isStringLiteralLike(node) && /^\S*$/.test(node.text)
      if (
        !isModule &&
        !isName &&
        (ts.isStringLiteralLike(node) || ts.isTemplateMiddleOrTemplateTail(node) || ts.isTemplateHead(node))
      )
        ranges.push([node.getStart(source), node.end])
    } else {
      // A docstring is a child of what it describes, and lies before its first token.
      for (const child of children) if (!ts.isJSDoc(child)) visit(child)
    }
  }
  visit(source)
  return ranges
}

/** Every file that is read, relative to `root`. */
function filesToRead(root) {
  const within = DIRECTORIES.flatMap((directory) =>
    fs
      .readdirSync(path.join(root, directory), {recursive: true, withFileTypes: true})
      .filter((one) => one.isFile() && (CODE.test(one.name) || one.name.endsWith('.md')))
      .map((one) => path.relative(root, path.join(one.parentPath ?? one.path, one.name))),
  )
  return [...within, ...FILES]
    .filter(
      (file) => file !== OWN_TEST && !file.includes('node_modules') && fs.existsSync(path.join(root, file)),
    )
    .sort()
}

if (process.argv[1] === import.meta.filename) {
  const root = path.resolve(import.meta.dirname, '..')
  const found = filesToRead(root).flatMap((file) =>
    avoidedWords(file, fs.readFileSync(path.join(root, file), 'utf8')).map((one) => ({file, ...one})),
  )
  for (const {file, line, word, source} of found) console.log(`${file}:${line}: "${word}": ${source}`)
  if (found.length > 0) {
    console.log(`\n${found.length} words that docs/style.md rules out; it says what to write instead.`)
    process.exitCode = 1
  }
}

import fs from 'node:fs'
import path from 'node:path'
import ts from 'typescript'
import {describe, expect, it} from 'vitest'

const SOURCES = path.resolve(import.meta.dirname, '../../src')

/** Words in place of something that the person has: what a usage line calls its arguments and the values of its flags. */
const PLACEHOLDER =
  /(?<![\w"'$`-])(?<!(?:the|client) )(?:[A-Z]+-)?(?:NAME|TOKEN|HOST|APP|RULE|ID|FILE|ZONE|USER|PORT|PROFILE|GROUP|POLICY|ADDRESS|COMMAND|DIRECTORY|SECRET|PATH|URL|TIME|DURATION|DESTINATION|ACCOUNT)(?![\w=])|<[a-z][\w -]*>/g

interface Place {
  file: string
  line: number
  text: string
}

/** Placeholders in what zt suggests, except in errors about a wrong command line and where the suggestion says what each is. */
function unsaid(file: string, source: string): Place[] {
  const parsed = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
  const found: Place[] = []
  const visit = (node: ts.Node): void => {
    const suggested = suggestionIn(node)
    if (suggested) {
      const beside = ts.isPropertyAssignment(node) ? node.parent.properties : undefined
      const isUsage = beside?.some((one) => one.name?.getText() === 'kind' && one.getText().includes("'usage'"))
      const sentences = (beside ?? []).filter((one) => /^(?:message|why)$/.test(one.name?.getText() ?? '')).map((one) => one.getText()).join(' ')
      if (!isUsage)
        for (const text of textsOf(suggested))
          for (const match of text.matchAll(PLACEHOLDER))
            if (!isNamed(match[0], `${sentences} ${text.slice(0, match.index).replace(/(?:^|: )zt .*$/, '')}`))
              found.push({file, line: parsed.getLineAndCharacterOfPosition(node.getStart()).line + 1, text})
    }
    ts.forEachChild(node, visit)
  }
  visit(parsed)
  return found
} // prettier-ignore

/** `next: …`, `remedy: …`, `const next = …` and `this.next(…)`. */
function suggestionIn(node: ts.Node): ts.Node | undefined {
  if (ts.isPropertyAssignment(node) && /^(?:next|remedy)$/.test(node.name.getText())) return node.initializer
  if (ts.isVariableDeclaration(node) && /^next$/.test(node.name.getText())) return node.initializer
  if (ts.isCallExpression(node) && node.expression.getText() === 'this.next') return node
  return undefined
}

function textsOf(node: ts.Node): string[] {
  const texts: string[] = []
  const visit = (one: ts.Node): void => {
    if (ts.isStringLiteralLike(one)) texts.push(one.text)
    else if (ts.isTemplateExpression(one))
      texts.push([one.head.text, ...one.templateSpans.map(({literal}) => literal.text)].join('…'))
    ts.forEachChild(one, visit)
  }
  visit(node)
  return texts
}

/** In the words before it, as a word of their own: `Give the ID: --zone ID`. An option's name does not say it. */
function isNamed(placeholder: string, before: string): boolean {
  const word = placeholder.replace(/^.*-/, '')
  return new RegExp(`(?<![\\w-])(?:${word}|${word.toLowerCase()})(?![\\w-])`).test(before)
}

describe('what zt suggests runs as it is', () => {
  it('has no placeholder that nothing says what it is', () => {
    const files = fs.readdirSync(SOURCES, {recursive: true, encoding: 'utf8'}).filter((name) => name.endsWith('.ts'))
    expect(files.length).toBeGreaterThan(300)
    const found = files.flatMap((name) => unsaid(name, fs.readFileSync(path.join(SOURCES, name), 'utf8')))
    expect(found).toEqual([])
  }) // prettier-ignore

  it.each([
    ['a command with an argument to fill in', "f({kind: 'conflict', next: ['zt app show APP']})", 1],
    ['in a call', "f({kind: 'conflict', next: [ztCommand(ctx, 'token', 'show', 'NAME')]})", 1],
    ['in a template', 'f({kind: "conflict", next: [`zt ${a} --token NAME`]})', 1],
    ['in angle brackets', "f({kind: 'conflict', next: ['zt app show <app>']})", 1],
    ['of a command that succeeded', "this.next('zt app add-rule APP')", 1],
    ['in a list that has a name', "const next = ['zt token import NAME']", 1],
    ['of an option that has the word', "f({kind: 'config', next: ['--ca-file FILE']})", 1],
    ['of a wrong command line', "f({kind: 'usage', next: ['zt app show APP']})", 0],
    ['that the suggestion names', "f({kind: 'config', next: ['Give the ID: --zone ID']})", 0],
    ['that the message names', "f({kind: 'config', message: 'There is no HOST', next: ['zt ssh HOST']})", 0],
    ['a variable', "f({kind: 'config', next: ['Set ZT_PROFILE', 'chown \"$USER\"']})", 0],
  ])('finds one: %s', (_what, source, count) => {
    expect(unsaid('x.ts', source)).toHaveLength(count)
  })
})

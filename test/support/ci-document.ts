import fs from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string): string => fs.readFileSync(path.join(root, file), 'utf8')

/** A job of docs/how-to/ci.md, or of action.yml. */
export interface Job {
  name: string
  /** As the CI system reads it. */
  text: string
  /** Its shell steps, in order. */
  steps: string[]
}

/** The first block of each job's section; each has one. */
export function documentedJobs(): Job[] {
  const [, ...sections] = read('docs/how-to/ci.md').split(/^### /m)
  return sections.map((section) => {
    const name = section.split('\n')[0] ?? ''
    const [, language = '', text = ''] = /^```(\w+)[^\n]*\n([^]*?)^```$/m.exec(section) ?? []
    return {name, text, steps: stepsOf(language, text)}
  })
}

export function action(): Job {
  const text = read('action.yml')
  return {name: 'action.yml', text, steps: stepsOf('yaml', text)}
}

/** The shell in a job. */
function stepsOf(language: string, text: string): string[] {
  if (language === 'sh') return [text]
  if (language === 'groovy')
    return [...text.matchAll(/^ *sh '''\n([^]*?)^ *'''/gm)].map(([, step = '']) => dedent(step))
  // A block scalar, in `run:` or in a list.
  const steps = text.matchAll(/^( *)(?:run:|-) \|\n((?:\1 +\S.*\n|\n)+)/gm)
  return [...steps].map(([, , step = '']) => dedent(step))
}

function dedent(text: string): string {
  const indent = /^ */.exec(text)?.[0] ?? ''
  return text.replaceAll(new RegExp(`^${indent}`, 'gm'), '')
}

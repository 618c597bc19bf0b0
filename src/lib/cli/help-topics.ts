import {ENVIRONMENT_VARIABLES, type EnvironmentVariable} from '../core/environment-variables.js'
import {EXIT_CODES, EXIT_CODES_OF_OTHERS} from '../core/exit-codes.js'
import {style} from './streams.js'
import {table} from './table.js'
import {wrapped} from './wrapped.js'

/** A page of `zt help NAME` that is neither a command nor a topic of commands. */
export interface HelpTopic {
  name: string
  summary: string
  /** For a terminal with `width` columns. */
  text: (width: number) => string[]
  /** What --json prints. */
  json: Record<string, unknown>
  /** Shown below the table. */
  note?: string
}

/** In fewer columns, a variable's name no longer fits into the table's last column, and names must not be broken. */
const NARROW = 62

const sayKind = ({kind}: EnvironmentVariable): string => (kind === 'secret' ? style.caution(kind) : kind)

function tableOfVariables(width: number): string[] {
  return table(
    ENVIRONMENT_VARIABLES,
    [
      {title: 'VARIABLE', value: ({name}) => style.name(name)},
      {title: 'KIND', value: sayKind},
      {title: 'MEANING', value: ({meaning}) => meaning, wraps: true},
    ],
    width,
  )
}

function listOfVariables(width: number): string[] {
  return ENVIRONMENT_VARIABLES.flatMap((variable) => [
    `${style.name(variable.name)} (${sayKind(variable)})`,
    ...wrapped(variable.meaning, width - INDENT.length).map((line) => INDENT + line),
  ])
}

const INDENT = '    '

export const HELP_TOPICS: readonly HelpTopic[] = [
  {
    name: 'environment',
    summary: 'Environment variables that zt reads',
    text: (width) => (width < NARROW ? listOfVariables(width) : tableOfVariables(width)),
    json: {variables: ENVIRONMENT_VARIABLES},
  },
  {
    name: 'exit-codes',
    summary: 'Exit codes and their meanings',
    text: (width) => {
      const codes = table(
        EXIT_CODES,
        [
          {title: 'CODE', value: ({code}) => style.name(String(code))},
          {title: 'KIND', value: ({name}) => name},
          {title: 'MEANING', value: ({meaning}) => meaning, wraps: true},
        ],
        width,
      )
      return [...codes, '', ...wrapped(EXIT_CODES_OF_OTHERS, width)]
    },
    json: {exitCodes: EXIT_CODES},
    note: EXIT_CODES_OF_OTHERS,
  },
]

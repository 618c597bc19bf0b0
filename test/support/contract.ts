import fs from 'node:fs/promises'
import path from 'node:path'
import {Ajv, type ValidateFunction} from 'ajv'
import {hasCode} from '../../src/lib/core/errors.js'
import type {Exchange} from '../../src/lib/sandbox/api/server.js'

interface Operation {
  operationId?: string
  parameters?: {name: string; in: string}[]
  requestBody?: {content: Record<string, unknown>; required?: boolean}
  responses: Record<string, unknown>
  'x-api-token-group'?: string[]
}

type Document = {paths: Record<string, Record<string, Operation>>}

const FILE = path.resolve(import.meta.dirname, '../../../shared/contract/cloudflare-access.openapi.json')

/** The published contract of the API, and how an exchange breaks it. */
export class Contract {
  readonly #document: Document
  readonly #ajv = new Ajv({strict: false, allErrors: true, formats: {'date-time': isDateTime}})
  readonly #validators = new Map<string, ValidateFunction>()

  private constructor(document: Document) {
    this.#document = document
    this.#ajv.addSchema(document, 'contract')
  }

  /** Undefined if the contract is not beside the project. */
  static async load(): Promise<Contract | undefined> {
    try {
      return new Contract(JSON.parse(await fs.readFile(FILE, 'utf8')) as Document)
    } catch (error) {
      if (hasCode(error, 'ENOENT')) return undefined
      throw error
    }
  }

  /** The permission groups of which an API token needs one; undefined if the contract does not say. */
  permissions(method: string, template: string): string[] | undefined {
    const found = this.#find(method, template.replaceAll(/\{\w+\}/g, 'x'))
    if (!found) throw new Error(`the contract has no ${method} ${template}`)
    return found.operation['x-api-token-group']
  }

  /** An operation by its method and its path as the contract writes it. */
  operation(
    method: string,
    template: string,
  ): {operationId: string | undefined; permissions: string[] | undefined} | undefined {
    const found = this.#document.paths[template]?.[method.toLowerCase()]
    return found && {operationId: found.operationId, permissions: found['x-api-token-group']}
  }

  /** Empty if the exchange follows the contract. */
  violations({method, path: pathname, query, requestBody, status, responseBody}: Exchange): string[] {
    // It has a schema of its own, which the sandbox's library checks.
    if (pathname === '/graphql') return []
    const found = this.#find(method, pathname)
    const where = `${method} ${pathname} → ${status}`
    if (!found) return [`${where}: no such operation`]
    const {operation, pointer} = found
    const broken: string[] = []
    const known = (operation.parameters ?? []).filter((one) => one.in === 'query').map(({name}) => name)
    for (const name of Object.keys(query)) {
      if (!known.includes(name)) broken.push(`${where}: no query parameter ${name}`)
    }
    // A refused request may be invalid; an accepted one must not be.
    if (status < 400 && operation.requestBody && requestBody !== undefined) {
      broken.push(
        ...this.#errors(
          `${pointer}/requestBody/content/application~1json/schema`,
          requestBody,
          `${where} request`,
        ),
      )
    }
    if (status < 400 && operation.requestBody?.required && requestBody === undefined) {
      broken.push(`${where}: accepted without a body`)
    }
    if (status < 400 && !operation.requestBody && requestBody !== undefined) {
      broken.push(`${where}: a body where none is known`)
    }
    const answer = [String(status), `${Math.floor(status / 100)}XX`].find(
      (name) => name in operation.responses,
    )
    if (answer === undefined) return [...broken, `${where}: no such status`]
    const schema =
      status < 400
        ? `${pointer}/responses/${answer}/content/application~1json/schema`
        : '/components/responses/Failure/content/application~1json/schema'
    return [...broken, ...this.#errors(schema, responseBody, `${where} response`)]
  }

  #find(method: string, pathname: string): {operation: Operation; pointer: string} | undefined {
    const given = pathname.split('/')
    // If two match, the one with fewer placeholders: /apps/ca before /apps/{app_id}.
    const fitting = Object.keys(this.#document.paths)
      .filter((template) => {
        const parts = template.split('/')
        return (
          parts.length === given.length && parts.every((part, i) => part.startsWith('{') || part === given[i])
        )
      })
      .sort((a, b) => a.split('{').length - b.split('{').length)
    for (const template of fitting) {
      const operation = this.#document.paths[template]?.[method.toLowerCase()]
      const escaped = template.replaceAll('/', '~1').replaceAll('{', '%7B').replaceAll('}', '%7D')
      if (operation) return {operation, pointer: `/paths/${escaped}/${method.toLowerCase()}`}
    }
    return undefined
  }

  #errors(pointer: string, value: unknown, where: string): string[] {
    let validate = this.#validators.get(pointer)
    if (!validate) {
      validate = this.#ajv.compile({$ref: `contract#${pointer}`})
      this.#validators.set(pointer, validate)
    }
    // As it is sent: without what JSON leaves out.
    if (validate(JSON.parse(JSON.stringify(value)))) return []
    return (validate.errors ?? []).map(
      ({instancePath, message, params}) => `${where}: ${instancePath} ${message} ${JSON.stringify(params)}`,
    )
  }
}

function isDateTime(text: string): boolean {
  return (
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
  )
}

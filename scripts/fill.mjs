/**
 * Fills a template: every `{{NAME}}` becomes its value.
 *
 * @param {string} template
 * @param {Record<string, string>} values
 * @returns {string}
 * @throws if the template names a value that is not given, or does not name one that is
 */
export function fill(template, values) {
  const unused = new Set(Object.keys(values))
  const text = template.replaceAll(/\{\{(\w+)\}\}/g, (_, name) => {
    if (!Object.hasOwn(values, name)) throw new Error(`a template needs ${name}, which has no value`)
    unused.delete(name)
    return values[name]
  })
  if (unused.size > 0) throw new Error(`a template does not use ${[...unused].join(', ')}`)
  return text
}

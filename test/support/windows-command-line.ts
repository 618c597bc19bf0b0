/**
 * Takes a command line apart as a program of Windows does, by the documented rules ("Parsing C command-line arguments",
 * learn.microsoft.com): written as a machine that reads one character after the other, unlike the quoting
 * under test. The first word has other rules: a double quote begins and ends a part, and there are no escapes.
 */
export function readCommandLine(line: string): string[] {
  let at = 0
  const words: string[] = []
  const isBlank = (sign: string | undefined): boolean => sign === ' ' || sign === '\t'

  let program = ''
  for (let quoted = false; at < line.length; at++) {
    const sign = line.charAt(at)
    if (sign === '"') quoted = !quoted
    else if (!quoted && isBlank(sign)) break
    else program += sign
  }
  words.push(program)

  for (;;) {
    while (isBlank(line[at])) at++
    if (at >= line.length) return words
    let word = ''
    for (let quoted = false; at < line.length && (quoted || !isBlank(line[at]));) {
      let backslashes = 0
      while (line[at] === '\\') {
        backslashes++
        at++
      }
      if (line[at] !== '"') {
        word += '\\'.repeat(backslashes)
        if (backslashes === 0) word += line.charAt(at++)
        continue
      }
      word += '\\'.repeat(Math.floor(backslashes / 2))
      at++
      if (backslashes % 2 === 1) word += '"'
      else if (quoted && line[at] === '"') {
        // Two quotes in a quoted part are one.
        word += '"'
        at++
      } else quoted = !quoted
    }
    words.push(word)
  }
}

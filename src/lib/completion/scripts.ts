/** The shells whose script can be a file of its own. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]
/** All that have a script. */
export const COMPLETED = [...SHELLS, 'powershell'] as const
export type Completed = (typeof COMPLETED)[number]

/** How to install each script. */
export const INSTALLING: Record<Completed, readonly string[]> = {
  bash: [
    '# in ~/.bashrc:',
    'source <(zt completion bash)',
    '# or once, if the package bash-completion is installed:',
    'mkdir -p ~/.local/share/bash-completion/completions',
    'zt completion bash > ~/.local/share/bash-completion/completions/zt',
  ],
  zsh: [
    '# in ~/.zshrc, after compinit:',
    'source <(zt completion zsh)',
    '# or once, into a directory that ~/.zshrc adds to $fpath before compinit:',
    'zt completion zsh > ~/.zsh/completions/_zt',
  ],
  fish: ['mkdir -p ~/.config/fish/completions', 'zt completion fish > ~/.config/fish/completions/zt.fish'],
  powershell: [
    '# in the file that $PROFILE names:',
    'zt completion powershell | Out-String | Invoke-Expression',
  ],
}

/**
 * What each shell runs at TAB. They all ask `zt __complete` and evaluate no part of the answer: its first line says what
 * follows, and each other line is a candidate, followed by a tab and its description.
 */
export const SCRIPTS: Record<Completed, string> = {
  // bash quotes only file names, so candidates are quoted already. bash 3.2 has no compopt, and also offers files.
  bash: `# bash completion for zt

_zt_complete() {
  local kind='' line
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ -z $kind ]]; then
      kind=$line
    else
      COMPREPLY[\${#COMPREPLY[@]}]=$line
    fi
  done < <(command zt __complete bash -- "$COMP_WORDBREAKS" "\${COMP_LINE:0:COMP_POINT}" 2>/dev/null)
  if [[ $kind != files ]]; then
    compopt +o default 2>/dev/null
  fi
  if [[ $kind == part ]]; then
    compopt -o nospace 2>/dev/null
  fi
  return 0
}

complete -o default -F _zt_complete zt
`,
  // zsh filters the candidates itself (matcher-list), and quotes what it inserts.
  zsh: `#compdef zt

_zt() {
  local kind line value
  local -a answer before values shown
  local -i width=0
  before=("\${(@Q)words[2,CURRENT-1]}")
  answer=("\${(@f)$(command zt __complete zsh -- "\${before[@]}" "\${(Q)PREFIX}" 2>/dev/null)}")
  kind=$answer[1]
  if [[ $PREFIX == --*=* ]]; then
    compset -P 1 '*='
  fi
  if [[ $kind == files ]]; then
    _files
    return
  fi
  for line in "\${(@)answer[2,-1]}"; do
    value=\${line%%$'\\t'*}
    values+=("$value")
    if ((\${(m)#value} > width)); then
      width=\${(m)#value}
    fi
  done
  for line in "\${(@)answer[2,-1]}"; do
    value=\${line%%$'\\t'*}
    if [[ $line == *$'\\t'* ]]; then
      value="\${(mr:$width:)value}  -- \${line#*$'\\t'}"
    fi
    shown+=("\${value[1,COLUMNS-1]}")
  done
  if [[ $kind == part ]]; then
    compadd -S '' -l -d shown -a values
  elif [[ "$answer" == *$'\\t'* ]]; then
    compadd -l -d shown -a values
  else
    compadd -a values
  fi
}

if [[ $funcstack[1] == _zt ]]; then
  _zt "$@"
elif ((\${+functions[compdef]})); then
  compdef _zt zt
fi
`,
  // fish filters the candidates itself, and quotes what it inserts.
  fish: `# fish completion for zt

function __zt_complete
    set -l words (commandline -opc)
    set -l answer (command zt __complete fish -- $words[2..-1] (commandline -ct) 2>/dev/null)
    set -g __zt_candidates $answer[2..-1]
    test "$answer[1]" != files
end

complete -c zt -e
complete -c zt -n __zt_complete -f -a '$__zt_candidates'
`,
  // PowerShell hands programs empty words, quotes and `--` in its own ways: the words go as one, in base64. What it inserts is
  // quoted already, in front of a tab; it offers files by itself where nothing is answered.
  powershell: `# PowerShell completion for zt

Register-ArgumentCompleter -Native -CommandName zt -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object { $_.Extent.EndOffset -lt $cursorPosition } |
        ForEach-Object {
            if ($_ -is [System.Management.Automation.Language.StringConstantExpressionAst]) { $_.Value }
            else { $_.Extent.Text }
        })
    $text = ($words + @($wordToComplete)) -join "\`n"
    $line = [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes($text))
    $encoding = [Console]::OutputEncoding
    try {
        [Console]::OutputEncoding = [Text.Encoding]::UTF8
        $answer = @(zt __complete powershell $line 2>$null)
    } finally {
        [Console]::OutputEncoding = $encoding
    }
    $answer | Select-Object -Skip 1 | ForEach-Object {
        $inserted, $shown, $about = $_ -split "\`t"
        if (-not $about) { $about = $shown }
        [System.Management.Automation.CompletionResult]::new($inserted, $shown, 'ParameterValue', $about)
    }
}
`,
}

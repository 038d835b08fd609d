"""What every command is built on: how it begins, reads, asks, prints, shows progress and helps.

`startup` finds and loads the configuration; `help` says examples and exit codes; `inputs` and `output` read and print;
`progress` shows how far it is; `running` asks the bridge that runs on this machine.
"""

"""Commands about runs, one file a command: run, plan, resume, cancel, show, logs,
compare, debug, gc…"""

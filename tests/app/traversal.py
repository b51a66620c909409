"""Known ways to name a file that a server of files is not to hand out."""

FILE = "/gradio_api/file="

PATHS = (
    # Absolute paths, and what a system may take for one.
    "{outside}/secret.txt", "/{outside}/secret.txt", "//{outside}/secret.txt", "/.{outside}/secret.txt",
    "{outside}/./secret.txt", "{outside}//secret.txt", "{outside}/secret.txt/", "{outside}/secret.txt/.", "{outside}",
    "{quoted}%2Fsecret.txt", "%2F{quoted}%2Fsecret.txt", "{outside}/secret%2Etxt", "{outside}/secret.txt%20", "/", "",
    "/etc/passwd", "/etc/hosts", "%2Fetc%2Fpasswd", "/./etc/./passwd", "/etc//passwd", "///etc/passwd", "etc/passwd",
    "~/.bashrc", "~root/.bashrc", "$HOME/.bashrc", "%24HOME/.bashrc", "/root/.bash_history",
    # Upwards from the outputs.
    "{outputs}/../outside/secret.txt", "{outputs}/x/../../outside/secret.txt", "{outputs}/./../outside/secret.txt",
    "{outputs}//..//outside//secret.txt", "{outputs}/inside.txt/../../outside/secret.txt", "{outputs}/..",
    "{outputs}",
    "{outputs}/.../outside/secret.txt", "{outputs}/....//outside/secret.txt", "{outputs}/..;/outside/secret.txt",
    "{outputs}/../../../../../../../../../../../../etc/passwd", "{outputs}-twin/secret.txt",
    "{outputs}/../outputs-twin/secret.txt",
    # The same in percent-encoding, once, twice and three times.
    "{outputs}/%2e%2e/outside/secret.txt", "{outputs}/%2E%2E/outside/secret.txt", "{outputs}/.%2e/outside/secret.txt",
    "{outputs}/%2e./outside/secret.txt", "{outputs}%2f..%2foutside%2fsecret.txt",
    "{outputs}%2F%2e%2e%2Foutside/secret.txt",
    "{outputs}/%252e%252e/outside/secret.txt", "{outputs}/..%252foutside%252fsecret.txt",
    "{outputs}/%252e%252e%252foutside%252fsecret.txt", "{outputs}/%25252e%25252e/outside/secret.txt",
    "{outputs}/%%32%65%%32%65/outside/secret.txt", "{outputs}/%u002e%u002e/outside/secret.txt",
    # Overlong UTF-8, and characters that a normalisation takes for dots and slashes.
    "{outputs}/%c0%ae%c0%ae/outside/secret.txt", "{outputs}/..%c0%afoutside%c0%afsecret.txt",
    "{outputs}/%e0%80%ae%e0%80%ae/outside/secret.txt", "{outputs}/..%e0%80%afoutside/secret.txt",
    "{outputs}/%f0%80%80%ae%f0%80%80%ae/outside/secret.txt", "{outputs}/..%c1%9coutside%c1%9csecret.txt",
    "{outputs}/%ef%bc%8e%ef%bc%8e/outside/secret.txt", "{outputs}/..%ef%bc%8foutside/secret.txt",
    "{outputs}/%e2%80%a5/outside/secret.txt", "{outputs}/..%e2%88%95outside/secret.txt",
    "{outputs}/%ff%fe/secret.txt",
    # Backslashes, drives, shares and devices of Windows.
    "{outputs}/..%5coutside%5csecret.txt", "{outputs}%5c..%5coutside%5csecret.txt",
    "{outputs}/..%255coutside/secret.txt",
    "..%5c..%5c..%5cetc%5cpasswd", "C:/Windows/win.ini", "C:%5CWindows%5Cwin.ini", "c%3A/Windows/win.ini",
    "/C:/Windows/win.ini",
    "C:Windows/win.ini", "D:/", "%5C%5Clocalhost%5CC$%5CWindows%5Cwin.ini", "//localhost/C$/Windows/win.ini",
    "%5C%5C%3F%5CC:%5CWindows%5Cwin.ini", "%5C%5C.%5CC:%5CWindows%5Cwin.ini", "//127.0.0.1/etc/passwd", "CON", "NUL",
    "{outputs}/inside.txt::$DATA/../../outside/secret.txt",
    # NUL and line ends.
    "{outside}/secret.txt%00", "{outside}/secret.txt%00.mp4", "{outputs}/inside.txt%00/../../outside/secret.txt",
    "{outputs}/%00/../../outside/secret.txt", "{outside}/secret.txt%0a", "{outside}/secret.txt%0d%0aX: y",
    # Links below the outputs that lead out of them.
    "{outputs}/link.txt", "{outputs}/folder/secret.txt", "{outputs}/folder/../outside/secret.txt",
    "{outputs}/chain/secret.txt",
    "{outputs}/loop", "{outputs}/root/etc/passwd",
    # What the system tells about the program.
    "/proc/self/environ", "/proc/self/cmdline", "/proc/self/cwd/README.md", "/proc/self/root/etc/passwd",
    "/proc/self/maps",
    "/proc/self/fd/0", "/proc/1/environ", "/proc/version", "/dev/stdin", "/dev/fd/0", "/dev/urandom",
    "/sys/kernel/notes",
    "{outputs}/../../../../../../../../../proc/self/environ",
    # The program's own files, from the folder that it is run from.
    "README.md", "./README.md", "app/launch.py", "pyproject.toml", ".git/config", "{project}/README.md", "{logs}",
    # Other schemes and other machines.
    "file://{outside}/secret.txt", "file:{outside}/secret.txt", "FILE:///etc/passwd", "file%3A//{outside}/secret.txt",
    "http://{host}/config", "HTTP://{host}/config", "https://example.com/", "//example.com/a.png",
    "ftp://example.com/a",
    "http://169.254.169.254/latest/meta-data/", "http:/{host}/config", "data:text/plain,x", "gopher://{host}/",
)  # fmt: skip
"""Ways to name a file that is not below the outputs. In braces: folders, and the server's own address."""

OTHER_ROUTES = (
    "/static/", "/static//", "/assets/", "/svelte/", "/gradio_api/proxy=",
    "/gradio_api/custom_component/html/client/",
    "/gradio_api/custom_component/html/server/", "/gradio_api/stream/", "/gradio_api/deep_link/", "/theme.css/",
    "/favicon.ico/", "/pwa_icon/", "/monitoring/", "/gradio_api/run-history/records/x/y/assets/", "/file=",
    "/file/", "/",
)  # fmt: skip
"""Other places of Gradio's where a path might be taken for a file."""

WAYS_UP = (
    "../../../../../../../../..{outside}/secret.txt",
    "..%2f..%2f..%2f..%2f..%2f..%2f..%2f..%2f..{outside}/secret.txt",
    "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e{outside}/secret.txt", "{outside}/secret.txt",
    "/etc/passwd",
    "..%5c..%5c..%5c..%5cetc%5cpasswd", "..%252f..%252f..%252f..%252fetc%252fpasswd", "../../routes.py",
)  # fmt: skip

FORMS = (
    *(FILE + path for path in PATHS),
    *("/gradio_api/file/" + path for path in PATHS[::5]),
    *(route + way for route in OTHER_ROUTES for way in WAYS_UP),
)

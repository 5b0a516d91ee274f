import ast, io, json, os, struct, sys, types

# Files may print; the answers go where they cannot.
OUT, sys.stdout = sys.stdout, io.StringIO()

KEPT = []
CALLS = []
SHOWN = STEPS = 0
class Endless(BaseException): pass
def ruin(value, seen=None):
    seen = set() if seen is None else seen
    if id(value) in seen or len(seen) > 200: return
    seen.add(id(value))
    if isinstance(value, list):
        for item in list(value): ruin(item, seen)
        if len(value) < 50: value.append("ruined")
    elif isinstance(value, dict):
        for item in list(value.values()): ruin(item, seen)
        if len(value) < 50: value["ruined%d" % len(value)] = 1
    elif isinstance(value, set):
        value.add("ruined%d" % len(value))
    elif isinstance(value, tuple):
        for item in value: ruin(item, seen)
    elif callable(value) and not isinstance(value, type) and value is not mystery and value is not configure:
        if len(CALLS) > 20: return
        CALLS.append(1)
        try: ruin(value(), seen)
        except Exception: pass
def mystery(*given, **named):
    for value in list(given) + list(named.values()): KEPT.append(value)
    del KEPT[:-30]
    for value in list(KEPT): ruin(value)
    if len(KEPT) % 3 == 0 and given: return given[0]
    fresh = ["fresh"]
    KEPT.append(fresh)
    return fresh
def configure(*given, **named):
    mystery(*given, **named)
    names = sys._getframe(1).f_globals
    for name in "ABCDEF":
        if (len(KEPT) + ord(name)) % 2: names[name] = ["configured"]
    os.environ["NOWHERE"] = "somewhere"
class Swallow:
    def __enter__(self): return self
    def __exit__(self, *_): return True
class Raises:
    def __getattr__(self, name): raise AttributeError(name)
def modules():
    site = types.ModuleType("site_config")
    site.mystery, site.configure, site.Swallow = mystery, configure, Swallow
    site.FLAG, site.OTHER = True, {"a": [1]}
    KEPT.append(site.OTHER)
    star = types.ModuleType("star_settings")
    star.A, star.C, star.E = "star", ["star"], {"star": 1}
    upstream = types.ModuleType("upstream"); config = types.ModuleType("upstream.config")
    upstream.config = config
    config.LAYOUT = {"tabs": ["one", "two"], "n": 1}
    i18n = types.ModuleType("invenio_i18n"); i18n.lazy_gettext = i18n.gettext = lambda text: text
    for module in (site, star, upstream, config, i18n): sys.modules[module.__name__] = module
def show(v, depth=0):
    global SHOWN
    SHOWN += 1
    if SHOWN > 100000: raise Endless
    if depth > 60: return "deep"
    if v is None or isinstance(v, bool): return repr(v)
    if isinstance(v, int): return f"i{v}"
    if isinstance(v, float): return "f%x" % struct.unpack(">Q", struct.pack(">d", v))[0]
    if isinstance(v, str): return "s" + "".join(f"{ord(c):x}." for c in v)
    if isinstance(v, list): return "[" + ",".join(show(i, depth + 1) for i in v) + "]"
    if isinstance(v, tuple): return "(" + ",".join(show(i, depth + 1) for i in v) + ")"
    if isinstance(v, set): return "<" + ",".join(sorted(show(i, depth + 1) for i in v)) + ">"
    if isinstance(v, dict): return "{" + ",".join(show(k, depth + 1) + ":" + show(w, depth + 1) for k, w in v.items()) + "}"
    return "other"
def trace(frame, event, _):
    # A file without end is none to compare with.
    global STEPS
    STEPS += 1
    if STEPS > 20000: raise Endless
    return trace
import warnings
warnings.simplefilter("ignore")
def run(text):
    KEPT.clear(); CALLS.clear()
    globals().update(SHOWN=0, STEPS=0)
    modules()
    os.environ.pop("NOWHERE", None); os.environ.pop("MADE", None); os.environ["HERE"] = "here"
    names = {"__name__": "config"}
    sys.settrace(trace)
    try: exec(compile(text, "config", "exec"), names)
    finally: sys.settrace(None)
    # Whoever got something may still change it.
    for value in list(KEPT): ruin(value)
    return {k: show(v) for k, v in names.items() if k.isupper() and k.isalpha()}
def without_failing(text, error):
    """The text without the statement that failed."""
    frame = error.__traceback__
    while frame is not None and frame.tb_frame.f_code.co_filename != "config": frame = frame.tb_next
    if frame is None: return None
    lines = text.split("\n")
    for node in ast.parse(text).body:
        if node.lineno <= frame.tb_lineno <= node.end_lineno:
            return "\n".join(lines[:node.lineno - 1] + lines[node.end_lineno:])
for line in sys.stdin:
    text, answer = json.loads(line), None
    while text is not None:
        try:
            answer = {"text": text, "names": run(text)}
            break
        except Exception as error: text = without_failing(text, error)
        except Endless: break
    OUT.write(json.dumps(answer) + "\n")

"""The run configurations for IntelliJ IDEA and PyCharm: two a lesson, in `.run/`."""

from pathlib import Path

from course.lessons import Lesson

_COMMON = """\
    <module name="" />
    <option name="PARENT_ENVS" value="true" />
    <option name="SDK_HOME" value="" />
    <option name="WORKING_DIRECTORY" value="$PROJECT_DIR$" />
    <option name="IS_MODULE_SDK" value="true" />
    <option name="ADD_CONTENT_ROOTS" value="true" />
    <option name="ADD_SOURCE_ROOTS" value="true" />
"""
_FILE = """\
<component name="ProjectRunConfigurationManager">
  <configuration default="false" name="{name}" type="{type}" factoryName="{factory}">
{common}{own}    <method v="2" />
  </configuration>
</component>
"""
_RUN = """\
    <option name="SCRIPT_NAME" value="course" />
    <option name="PARAMETERS" value="lesson {number}" />
    <option name="MODULE_MODE" value="true" />
"""
_CHECK = """\
    <option name="_new_keywords" value="&quot;&quot;" />
    <option name="_new_parameters" value="&quot;&quot;" />
    <option name="_new_additionalArguments" value="&quot;--mine&quot;" />
    <option name="_new_target" value="&quot;$PROJECT_DIR$/tests/test_{stem}.py&quot;" />
    <option name="_new_targetType" value="&quot;PATH&quot;" />
"""


def texts(lessons: list[Lesson]) -> dict[str, str]:
    """Return the text of each file that belongs in `.run/`, by its name."""
    found = {}
    for lesson in lessons:
        run, check = (f"Lesson {lesson.number:02} - {what}" for what in ("run", "check"))
        own = {"number": lesson.number, "stem": lesson.stem}
        found[f"{run}.run.xml"] = _FILE.format(
            name=run,
            type="PythonConfigurationType",
            factory="Python",
            common=_COMMON,
            own=_RUN.format(**own),
        )
        found[f"{check}.run.xml"] = _FILE.format(
            name=check, type="tests", factory="py.test", common=_COMMON, own=_CHECK.format(**own)
        )
    return found


def write(lessons: list[Lesson], folder: Path) -> None:
    """Write the files, and remove those that belong to no lesson."""
    folder.mkdir(exist_ok=True)
    wanted = texts(lessons)
    for path in folder.glob("*.run.xml"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")

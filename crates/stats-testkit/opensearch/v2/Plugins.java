import java.util.List;

import org.opensearch.index.reindex.ReindexPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** What a node of OpenSearch 2 is started with. */
final class Plugins {
  static final List<Class<? extends Plugin>> ALL =
      List.of(Netty4Plugin.class, ReindexPlugin.class);

  private Plugins() {}
}
